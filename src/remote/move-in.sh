# BESIDE TO MODE BYTES: our file, whole, takes its place in one step. Prints `done`, or one word that tells why not; then
# our file is gone.
no() {
  rm -f -- "$beside"
  echo "$1"
  exit 0
}
beside=$1
if [ -d "$2" ]; then no folder; fi
if [ "$(wc -c <"$beside")" -ne "$4" ]; then no cut; fi
chmod "$3" "$beside" || no denied
# A power cut right after the rename must not leave an empty file.
sync -- "$beside" 2>/dev/null || sync
mv -f -- "$beside" "$2" || no denied
echo 'done'
