//! `jp completion`: scripts for shells.

use clap::{Args, CommandFactory, ValueEnum};

use crate::{cli::Cli, failure::Failure, output::raw};

#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// Whose script
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    /// `source <(jp completion bash)`
    Bash,
    /// `jp completion zsh > _jp`, in a folder of $fpath
    Zsh,
    /// `jp completion fish | source`
    Fish,
}

pub(crate) fn run(command: &Completion) -> Result<(), Failure> {
    raw(&script(command.shell))
}

fn script(shell: Shell) -> String {
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "jp", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_knows_the_commands() {
        for shell in Shell::value_variants() {
            assert!(script(*shell).contains("exit-codes"), "{shell:?}");
        }
    }
}
