# What is said to a guard that is there already: beside its transaction, or in the history once that has ended.
home=/var/lib/provision
for place in "$home/current" "$home/history/$2"; do
  read -r found 2>/dev/null <"$place/id" || continue
  if [ "$found" = "$2" ] && guard=$(cat "$place/guard.sh"); then
    eval "$guard"
    exit
  fi
done
printf '\n%s\n' '@outcome never'
