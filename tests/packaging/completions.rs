//! What `bob-auth completions` prints, loaded by the shells themselves.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::home::Home;
use super::tools::{done, installed};

/// What bash offers for the last of these words.
fn offered(script: &Path, words: &[&str]) -> Vec<String> {
    let asked = r#"
        source "$SCRIPT"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        function=$(complete -p bob-auth | sed 's/.* -F \([^ ]*\) .*/\1/')
        "$function" bob-auth "${@: -1}" "${@: -2:1}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", asked, "bash"]).args(words).env("SCRIPT", script);
    done(&mut bash).lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn bash_completes_verbs_options_and_values() {
    if !installed("bash", "completions in bash") {
        return;
    }
    let home = Home::empty();
    let script = home.path("bob-auth.bash");
    fs::write(&script, home.done(&["completions", "bash"])).unwrap();
    assert_eq!(offered(&script, &["bob-auth", "ser"]), ["serve"]);
    assert_eq!(offered(&script, &["bob-auth", "token", "v"]), ["verify"]);
    assert_eq!(offered(&script, &["bob-auth", "registry-admin", "metadata-key", "re"]), ["revoke"]);
    assert_eq!(offered(&script, &["bob-auth", "token", "get", "--cer"]), ["--cert"]);
    assert_eq!(offered(&script, &["bob-auth", "audit", "list", "--output", "j"]), ["json"]);
    assert_eq!(offered(&script, &["bob-auth", "fly"]), [""; 0]);
}

#[test]
fn every_shell_reads_its_script() {
    let home = Home::empty();
    for (shell, words) in
        [("bash", &["-n"] as &[&str]), ("zsh", &["-n"]), ("fish", &["--no-execute"]), ("elvish", &["-compileonly"])]
    {
        let script = home.done(&["completions", shell]);
        assert!(script.contains("registry-admin") && script.contains("config"), "{shell}");
        let path = home.path(shell);
        fs::write(&path, script).unwrap();
        if installed(shell, "its reading of the completions") {
            done(Command::new(shell).args(words).arg(&path));
        }
    }
    assert!(home.done(&["completions", "powershell"]).contains("Register-ArgumentCompleter"));
}

#[test]
fn completions_in_json_hold_the_same_script() {
    let home = Home::empty();
    let answer = home.json(&["completions", "fish"]);
    assert_eq!(answer["shell"], "fish");
    assert_eq!(answer["script"].as_str().unwrap().trim_end(), home.done(&["completions", "fish"]).trim_end());
}
