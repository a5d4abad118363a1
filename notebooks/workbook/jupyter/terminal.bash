# Lab's terminal: your own settings, then the workbook's Python before any other.
if [ -f ~/.bashrc ]; then . ~/.bashrc; fi
export PATH="$WORKBOOK_BIN:$PATH"
