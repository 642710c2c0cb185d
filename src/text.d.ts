/** Shell programs are imported as text: esbuild's `text` loader, and the same in vitest.config.ts. */
declare module '*.sh' {
  const text: string
  export default text
}
