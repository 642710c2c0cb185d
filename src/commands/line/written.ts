import { loadedCatalog } from './catalog.ts'
import { manualPage } from './manual.ts'

/** The files that the build makes of the commands, by their names. */
export async function written(version: string): Promise<Readonly<Record<string, string>>> {
  const shapes = await loadedCatalog()
  return { 'commands.json': JSON.stringify(shapes), 'provision.1': manualPage(shapes, version) }
}
