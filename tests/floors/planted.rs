//! The checker itself, tried on small trees with a fault planted in each.

use super::{Tree, check};

const LIB: &str = "//! Crate.\n//!\n//! | floor | module | text |\n//! |---|---|---|\n//! | 0 | `low` | a |\n//! | 1 | `left`, `right` | b |\n//! | 2 | `top` | c |\n";

/// A sound house with these files added or replaced.
fn problems(files: &[(&str, &str)]) -> Vec<String> {
    let sound = [
        ("lib.rs", LIB),
        ("main.rs", "//! Main.\nuse bob_auth::top;"),
        ("low.rs", "//! Low.\npub struct Word;"),
        ("left.rs", "//! Left.\nuse crate::low::Word;"),
        ("right.rs", "//! Right.\nuse crate::low;"),
        ("top/mod.rs", "//! Top.\nmod a;\nmod b;\npub use a::A;"),
        ("top/a.rs", "//! A.\nuse super::b::B;\nuse crate::{left::L, right::{self, R as S}};"),
        ("top/b.rs", "//! B.\nuse crate::low::Word;"),
    ];
    let mut tree: Tree = sound.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect();
    tree.extend(files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())));
    check(&tree)
}

/// The one problem of a tree with one fault.
fn problem(file: &str, text: &str) -> String {
    let problems = problems(&[(file, text)]);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems.concat()
}

#[test]
fn a_sound_house_has_no_problems() {
    assert_eq!(problems(&[]), [""; 0]);
}

#[test]
fn an_import_from_a_higher_floor_is_found_in_every_spelling() {
    for line in [
        "use crate::top::b::B;",
        "use crate::{top, low::Word};",
        "use crate::{low::{Word, Other}, top::{self}};",
        "fn f() { crate::top::b::run::<u8>(1); }",
        "use super::top;",
        "pub use super::top::*;",
        "use super::top::b as other;",
        "#[cfg(feature = \"x\")] use crate::top;",
    ] {
        let told = problem("low.rs", &format!("//! Low.\n\n{line}\n"));
        assert_eq!(told, "src/low.rs:3: `low` (floor 0) imports `top` (floor 2)", "{line}");
    }
}

#[test]
fn siblings_that_import_each_other_are_found() {
    assert_eq!(
        problem("left.rs", "//! Left.\nuse crate::right::R;"),
        "src/left.rs:2: `left` and `right` are siblings on floor 1"
    );
}

#[test]
fn comments_strings_and_tests_are_no_imports() {
    let text = r##"//! See [`crate::top`].
/* use crate::top; /* nested */ use crate::top; */
const A: &str = "use crate::top; \" use crate::top;"; // crate::top::x
const B: &str = r#"" use crate::top;"#;
const C: [char; 3] = ['"', '\'', '\\'];
fn f<'a>(x: &'a str) -> &'a str { x }
pub(in crate::top) fn g() {}
#[cfg(test)]
use crate::top::b;
#[cfg(test)]
#[derive(Debug)]
struct T([u8; 3]);
#[cfg(test)]
mod tests { use crate::top; fn f() { crate::right::x() } }
#[cfg(test)]
mod more;
"##;
    let more = "//! Tests.\nuse crate::top;";
    assert_eq!(problems(&[("low.rs", text), ("low/more.rs", more)]), [""; 0]);
    let after = problem("low.rs", &format!("{text}use crate::top;"));
    assert_eq!(after, "src/low.rs:17: `low` (floor 0) imports `top` (floor 2)");
}

#[test]
fn a_module_that_the_table_lacks_or_invents_is_found() {
    assert_eq!(problem("cellar.rs", "//! Cellar."), "src/lib.rs: the floor table lacks `cellar`");
    let lib = format!("{LIB}//! | 3 | `attic` | d |\n");
    assert_eq!(problem("lib.rs", &lib), "src/lib.rs: the floor table has `attic`, which is not in src/");
    let twice = format!("{LIB}//! | 3 | `low` | d |\n");
    assert_eq!(problem("lib.rs", &twice), "src/lib.rs: the floor table has `low` twice");
}

#[test]
fn a_circle_inside_a_module_is_told_with_its_edges() {
    assert_eq!(
        problem("top/b.rs", "//! B.\nuse super::a::A;"),
        "a circle inside `top`: src/top/a.rs:2 -> src/top/b.rs, src/top/b.rs:2 -> src/top/a.rs"
    );
    // Through the name that mod.rs passes on, and from one module's child to another's.
    for line in ["use super::A;", "use crate::top::A;", "fn f() { crate::top::a::run() }"] {
        let told = problem("top/b.rs", &format!("//! B.\n{line}"));
        assert!(told.starts_with("a circle inside `top`: src/top/a.rs:2 -> src/top/b.rs"), "{line}: {told}");
    }
}

#[test]
fn a_child_that_imports_from_the_parent_that_uses_it_is_a_circle() {
    let top = "//! Top.\nmod a;\nmod b;\npub struct Error;\npub fn run() { b::go() }";
    let told = problems(&[("top/mod.rs", top), ("top/b.rs", "//! B.\nuse super::Error;")]);
    assert_eq!(told, ["a circle inside `top`: src/top/mod.rs:5 -> src/top/b.rs, src/top/b.rs:2 -> src/top/mod.rs"]);
}

#[test]
fn lumber_rooms_and_files_without_a_head_are_found() {
    let told = problem("top/utils.rs", "//! All sorts.");
    assert_eq!(told, "src/top/utils.rs: utils is a lumber room; name what the code is about");
    let told = problem("top/b.rs", "// B.\nuse crate::low;");
    assert_eq!(told, "src/top/b.rs: does not open with //! (what lives here, and what does not)");
}
