# ansible-inventory --list for each file whose path is read, in a process of its own: Ansible is loaded once for all of them.
import os
import sys
from ansible.cli.inventory import InventoryCLI

for path in iter(sys.stdin.readline, ''):
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        InventoryCLI(['ansible-inventory', '-i', path.rstrip('\n'), '--list']).run()
        sys.stdout.flush()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print('\n--- %d' % os.waitstatus_to_exitcode(status), flush=True)
