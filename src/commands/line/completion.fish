# Completion of provision for fish: provision completion fish | source
function __provision_complete
    set -l given (commandline -opc)
    set -l current (commandline -ct)
    for line in ($given[1] complete fish $given[2..-1] "$current" 2>/dev/null)
        switch $line
            case :file
                __fish_complete_path $current
            case :folder
                __fish_complete_directories $current
            case '*'
                echo $line
        end
    end
end
complete -c provision -f -a '(__provision_complete)'
