/** Shell programs are imported as text: esbuild's `text` loader, and the same in vitest.config.ts. */
declare module '*.sh' {
  const text: string
  export default text
}

declare module '*.bash' {
  const text: string
  export default text
}

declare module '*.zsh' {
  const text: string
  export default text
}

declare module '*.fish' {
  const text: string
  export default text
}
