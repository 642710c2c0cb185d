#!/bin/sh
sh /boot/firmware/provision-seed.sh || exit 1
cd /boot/firmware || exit 1
words=$(sed 's/ systemd\.run[^ ]*//g; s/ systemd\.unit=[^ ]*//g' cmdline.txt)
printf "%-$(($(wc -c <cmdline.txt) - 1))s\\n" "$words" | dd of=cmdline.txt conv=notrunc 2>/dev/null
sync
rm -f firstrun.sh
sync
exit 0
