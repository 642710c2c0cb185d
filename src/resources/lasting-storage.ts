import { sh } from '../shell/sh.ts'
import type { Refused, Resource } from './resource.ts'

/**
 * What is written to this host is still there after a reboot, and a change can be undone after a power cut. Refused,
 * only where something is to be changed, on a root that is an overlay in memory (raspi-config → Performance → Overlay
 * File System, which is `overlayroot=tmpfs` or `boot=overlay` on the kernel's command line), and where /etc or the
 * place of the undo is in memory. An overlay over a disk, as in containers, lasts.
 */
export const lastingStorage: Resource = {
  id: 'lasting storage',
  onlyBeforeChanges: true,
  inspect: sh`
    undo=/var/lib/provision
    [ -d "$undo" ] || undo=/var/lib
    types=$(stat -f -c '%n %T' / /etc "$undo") || exit
    echo "$types"
    case $types in *overlay*)
      read -r words </proc/cmdline
      for word in $words; do
        case $word in overlayroot=disabled | overlayroot=) ;; overlayroot=* | boot=overlay) echo "cmdline $word" ;; esac
      done
      # The last mount on / is the one that is seen.
      upper=
      while read -r _ _ _ _ where _ rest; do
        [ "$where" != / ] || case $rest in *upperdir=*) upper=\${rest##*upperdir=} upper=\${upper%%,*} ;; *) upper= ;; esac
      done </proc/self/mountinfo
      [ -z "$upper" ] || [ ! -d "$upper" ] || stat -f -c 'upper %T' "$upper"
    esac
  `,
  diff(now) {
    const typeOf = (path: string) => new RegExp(`^${path} (.*)$`, 'm').exec(now)?.[1] ?? ''
    const overlay = /^cmdline (\S+)$/m.exec(now)?.[1]
    if (/^overlay/.test(typeOf('/')) && (overlay !== undefined || inMemory.test(typeOf('upper'))))
      return overlayInMemory(overlay)
    if (inMemory.test(typeOf('/')) || inMemory.test(typeOf('/etc'))) {
      const path = inMemory.test(typeOf('/')) ? '/' : '/etc'
      return {
        refused: `${path} is in memory: what is changed here is gone after a reboot`,
        hint: `keep ${path} on a disk, then run again`,
      }
    }
    const undo = ['/var/lib/provision', '/var/lib'].find((path) => inMemory.test(typeOf(path)))
    if (undo === undefined) return 'converged'
    return {
      refused: `${undo} is in memory: after a power cut this host could not undo a change that nobody has confirmed`,
      hint: `keep /var/lib/provision on a disk (see: findmnt -T /var/lib/provision), then run again`,
    }
  },
}

const inMemory = /^(tmpfs|ramfs)$/

const overlayInMemory = (word: string | undefined): Refused => ({
  refused: `its root is an overlay in memory${word ? ` (${word})` : ''}: what is changed here is gone after a reboot`,
  hint:
    'switch the overlay off (sudo raspi-config nonint disable_overlayfs; sudo reboot), run again, then switch it on again ' +
    '(sudo raspi-config nonint enable_overlayfs; sudo reboot)',
})
