# IMAGE START FOLDER WORDS QEMU…: a board that boots from the card IMAGE, whose boot partition begins at byte START. Like a Pi's
# firmware it reads the kernel, the initramfs and the command line (with WORDS behind it) from there, anew at each boot.
image=$1
start=$2
folder=$3
words=$4
shift 4
export MTOOLS_SKIP_CHECK=1
cd "$folder" || exit

# OPTION NAME…: the first of these files that is there, for that option of qemu.
given() {
  option=$1
  shift
  for name; do
    if mcopy -n -o -i "$image@@$start" "::$name" "$name" 2>/dev/null; then
      set -- "$option" "$name"
      echo "$*"
      return
    fi
  done
}

while :; do
  mcopy -n -o -i "$image@@$start" ::cmdline.txt cmdline.txt || exit
  kernel=$(given -kernel kernel8.img vmlinuz)
  initramfs=$(given -initrd initramfs8 initrd.img)
  board=$(given -dtb bcm2710-rpi-3-b.dtb)
  # shellcheck disable=SC2086
  "$@" $kernel $initramfs $board -append "$(head -n 1 cmdline.txt | tr -d '\r') $words" || exit
done
