# Prints what zsh completes: complete.zsh SCRIPT LINE
# The shell runs on a terminal of its own, as completion wants; what it would show is printed instead, a word a line.
zmodload zsh/zpty
zpty line zsh -f -i
ask() { zpty -w line "$1" }
ask "PROMPT= RPROMPT=; unsetopt zle_bracketed_paste 2>/dev/null; stty -echo"
ask "autoload -Uz compinit; compinit -D -u; source ${(q)1}"
ask 'compadd() { [[ ${@[1,(i)(-|--)]} == *-[OAD]* ]] && { builtin compadd "$@"; return }
  local -a hits; builtin compadd -A hits "$@"; local each; for each in $hits; do print -r -- "[[$each]]"; done; builtin compadd "$@" }'
ask 'finish() { print "[[.e""nd]]"; exit }; compfinish() { compstate[insert]=; compstate[list]=; finish }; compprefuncs=() comppostfuncs=(compfinish)'
ask 'bindkey "^I" complete-word; print "[[.rea""dy]]"'
zpty -r line reply '*\[\[.ready\]\]*'
zpty -n -w line "$2"$'\t'
zpty -r line reply '*\[\[.end\]\]*'
print -r -- "$reply" | grep -o '\[\[[^]]*\]\]' | tr -d '[]' | grep -v "^\." | sort -u
