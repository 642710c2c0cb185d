/** The matrices go through all they have this often, one round after the other; PROVISION_ROUNDS says otherwise. */
export const rounds = Array.from({ length: Number(process.env.PROVISION_ROUNDS ?? 3) }, (_, n) => n + 1)
