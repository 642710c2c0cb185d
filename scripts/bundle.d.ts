import type { BuildOptions } from 'esbuild'

export const bundleOptions: BuildOptions
export function defined(version: string): Record<string, string>
export const defaultPlaybook: Record<string, string>
