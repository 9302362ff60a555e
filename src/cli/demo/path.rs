//! Where programs are.

use std::path::{Path, PathBuf};

/// The program in one of the directories of `PATH`, or in the `sbin` beside a `bin`: servers live where the `PATH` of an ordinary user
/// does not lead.
pub(super) fn installed(program: &str, path: &str) -> Option<PathBuf> {
    let beside = |directory: &Path| Some(directory.parent()?.join("sbin")).filter(|_| directory.ends_with("bin"));
    let directories: Vec<PathBuf> = std::env::split_paths(path).filter(|directory| directory.is_absolute()).collect();
    let all = directories.iter().cloned().chain(directories.iter().filter_map(|directory| beside(directory)));
    all.map(|directory| directory.join(program)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_found_beside_what_ordinary_users_have_in_their_path() {
        let home = tempfile::tempdir().unwrap();
        let (bin, sbin) = (home.path().join("bin"), home.path().join("sbin"));
        std::fs::create_dir_all(&sbin).unwrap();
        std::fs::write(sbin.join("nginx"), "").unwrap();
        assert_eq!(installed("nginx", bin.to_str().unwrap()), Some(sbin.join("nginx")));
        assert_eq!(installed("haproxy", bin.to_str().unwrap()), None);
        assert_eq!(installed("nginx", home.path().join("other").to_str().unwrap()), None);
        assert_eq!(installed("nginx", ""), None);
    }
}
