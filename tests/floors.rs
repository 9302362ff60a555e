//! Holds the sources against the floor table in the crate docs: imports run downwards only, siblings on one floor do not
//! import each other, the files inside one module form no circle, no room is a lumber room, every file says what it is.
//!
//! The reading of Rust here is modest: paths that begin with `crate`, `self`, `super` or a child module, outside comments,
//! strings and `#[cfg(test)]` items. A name that a module re-exports counts as the file that it comes from.

#[path = "floors/planted.rs"]
mod planted;
#[path = "floors/source.rs"]
mod source;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::Path;

use source::{Mention, ModulePath, Token, mentions, tokens, without_test_items};

const LUMBER_ROOMS: [&str; 8] = ["util", "utils", "common", "helpers", "helper", "types", "prelude", "misc"];

/// Sources by their path below `src/`, with `/` on every platform.
type Tree = BTreeMap<String, String>;
/// The modules of the crate and what they mention.
struct House {
    /// Module path -> file, without test modules.
    files: BTreeMap<ModulePath, String>,
    mentions: BTreeMap<ModulePath, Vec<Mention>>,
}

#[test]
fn imports_run_downwards_only() {
    let mut tree = Tree::new();
    read_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut tree).unwrap();
    let problems = check(&tree);
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

fn read_tree(folder: &Path, prefix: &str, tree: &mut Tree) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read_tree(&entry.path(), &format!("{name}/"), tree)?;
        } else if Path::new(&name).extension().is_some_and(|extension| extension == "rs") {
            tree.insert(name, fs::read_to_string(entry.path())?);
        }
    }
    Ok(())
}

/// Everything that is wrong with the tree, one line each.
fn check(tree: &Tree) -> Vec<String> {
    let mut problems = Vec::new();
    for (file, text) in tree {
        if !text.lines().find(|line| !line.trim().is_empty()).is_some_and(|line| line.starts_with("//!")) {
            problems.push(format!("src/{file}: does not open with //! (what lives here, and what does not)"));
        }
        if let Some(room) = module_path(file).iter().find(|part| LUMBER_ROOMS.contains(&part.as_str())) {
            problems.push(format!("src/{file}: {room} is a lumber room; name what the code is about"));
        }
    }
    let floors = floor_table(tree.get("lib.rs").map_or("", String::as_str), &mut problems);
    let house = House::read(tree);
    let rooms: BTreeSet<&str> = house.files.keys().filter_map(|path| path.first()).map(String::as_str).collect();
    for room in rooms.iter().filter(|room| !floors.contains_key(**room) && **room != "main") {
        problems.push(format!("src/lib.rs: the floor table lacks `{room}`"));
    }
    for room in floors.keys().filter(|room| !rooms.contains(room.as_str())) {
        problems.push(format!("src/lib.rs: the floor table has `{room}`, which is not in src/"));
    }
    for (from, to, line) in house.edges() {
        let at = format!("src/{}:{line}", house.files[&from]);
        if let (Some(lower), Some(upper)) = (floors.get(&from[0]), floors.get(&to[0])) {
            if upper > lower {
                problems.push(format!("{at}: `{}` (floor {lower}) imports `{}` (floor {upper})", from[0], to[0]));
            } else if upper == lower && from[0] != to[0] {
                problems.push(format!("{at}: `{}` and `{}` are siblings on floor {lower}", from[0], to[0]));
            }
        }
    }
    problems.extend(house.circles());
    problems
}

/// Module -> floor, from the rows `| n | `module`, `module` | text |` of the crate docs.
fn floor_table(lib: &str, problems: &mut Vec<String>) -> BTreeMap<String, u32> {
    let mut floors = BTreeMap::new();
    for line in lib.lines().filter_map(|line| line.strip_prefix("//! |")) {
        let mut cells = line.split('|').map(str::trim);
        let Some(Ok(floor)) = cells.next().map(str::parse::<u32>) else { continue };
        let names = cells.next().unwrap_or_default().split(',');
        for name in names.map(|name| name.trim().trim_matches('`').trim_end_matches(".rs").trim_end_matches('/')) {
            if floors.contains_key(name) {
                problems.push(format!("src/lib.rs: the floor table has `{name}` twice"));
            }
            floors.entry(name.to_owned()).or_insert(floor);
        }
    }
    if floors.is_empty() {
        problems.push("src/lib.rs: no floor table in the crate docs".to_owned());
    }
    floors.remove("main");
    floors
}

/// `web/peer.rs` -> web, peer. `web/mod.rs` -> web. `lib.rs` -> nothing.
fn module_path(file: &str) -> ModulePath {
    let mut path: ModulePath = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if path.last().is_some_and(|last| last == "mod") || file == "lib.rs" {
        path.pop();
    }
    path
}

impl House {
    fn read(tree: &Tree) -> Self {
        let mut code: BTreeMap<ModulePath, Vec<Token>> = BTreeMap::new();
        let mut test_modules = Vec::new();
        for (file, text) in tree {
            let path = module_path(file);
            let tokens = without_test_items(&tokens(text), &path, &mut test_modules);
            code.insert(path, tokens);
        }
        code.retain(|path, _| !test_modules.iter().any(|tests| path.starts_with(tests)));
        let files: BTreeMap<ModulePath, String> = tree
            .keys()
            .map(|file| (module_path(file), file.clone()))
            .filter(|(path, _)| code.contains_key(path))
            .collect();
        let mentions = code.iter().map(|(path, tokens)| (path.clone(), mentions(tokens, path, &files))).collect();
        Self { files, mentions }
    }

    /// The file that a path leads to, through re-exports.
    fn resolve(&self, path: &[String], depth: usize) -> Option<ModulePath> {
        let known = (0..=path.len()).rev().find(|&length| self.files.contains_key(&path[..length]))?;
        let module = path[..known].to_vec();
        let Some(name) = path.get(known).filter(|_| depth < 8) else { return Some(module) };
        let through = self.mentions[&module].iter().find(|mention| mention.name.as_ref() == Some(name));
        match through {
            Some(mention) if mention.to != path => {
                let onward = [&mention.to[..], &path[known + 1..]].concat();
                self.resolve(&onward, depth + 1)
            }
            _ => Some(module),
        }
    }

    /// Who imports whom, and where. The crate root and `main.rs` may import everything; a re-export of a child is no import.
    fn edges(&self) -> Vec<(ModulePath, ModulePath, usize)> {
        let mut edges = Vec::new();
        for (from, mentions) in self.mentions.iter().filter(|(from, _)| !from.is_empty() && from[0] != "main") {
            for mention in mentions {
                let Some(to) = self.resolve(&mention.to, 0) else { continue };
                let facade = mention.public && to.starts_with(from);
                if !facade && !to.is_empty() && to != *from {
                    edges.push((from.clone(), to, mention.line));
                }
            }
        }
        edges
    }

    /// The circles of imports inside top-level modules: for each file the shortest one that it is in.
    fn circles(&self) -> Vec<String> {
        let mut next: BTreeMap<ModulePath, BTreeMap<ModulePath, usize>> = BTreeMap::new();
        for (from, to, line) in self.edges().into_iter().filter(|(from, to, _)| from[0] == to[0]) {
            next.entry(from).or_default().entry(to).or_insert(line);
        }
        let circles: BTreeMap<BTreeSet<&ModulePath>, Vec<&ModulePath>> = next
            .keys()
            .rev() // a circle that is found again is told from its first file
            .filter_map(|start| shortest_circle(start, &next))
            .map(|circle| (circle.iter().copied().collect(), circle))
            .collect();
        let tell = |circle: &Vec<&ModulePath>| {
            let ends = circle.iter().skip(1).chain(circle.first());
            let steps = circle.iter().zip(ends);
            let steps: Vec<String> = steps
                .map(|(from, to)| format!("src/{}:{} -> src/{}", self.files[*from], next[*from][*to], self.files[*to]))
                .collect();
            format!("a circle inside `{}`: {}", circle[0][0], steps.join(", "))
        };
        circles.values().map(tell).collect()
    }
}

/// The files on the shortest way from `start` back to itself.
fn shortest_circle<'a>(
    start: &'a ModulePath,
    next: &'a BTreeMap<ModulePath, BTreeMap<ModulePath, usize>>,
) -> Option<Vec<&'a ModulePath>> {
    let mut seen = BTreeSet::new();
    let mut ways = VecDeque::from([vec![start]]);
    while let Some(way) = ways.pop_front() {
        for to in way.last().and_then(|at| next.get(*at)).into_iter().flat_map(BTreeMap::keys) {
            if to == start {
                return Some(way);
            }
            if seen.insert(to) {
                ways.push_back([&way[..], &[to]].concat());
            }
        }
    }
    None
}
