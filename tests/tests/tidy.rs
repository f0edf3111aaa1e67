//! Rules about the source that a reviewer would otherwise have to remember.
//!
//! Only rules that matter stand here, each with its reason: a file that outgrew its idea, unfinished code, a test nobody
//! runs, a path of somebody's machine, a dead link, a crate that reaches where it must not. They look at the files git
//! tracks (and at new ones that are not ignored), so stray build products never count.
#![cfg(test)]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Longest source file of a crate, in lines. Past 500 it is time to ask for the second idea in it; past this it is too late.
const LINES_MAX: usize = 600;

/// Which crates of the workspace each crate may use. Everything else keeps them apart: the pure core from input and output,
/// the store from the wire, the simulators from the connectors they check.
const MAY_USE: [(&str, &[&str]); 9] = [
    ("crates/domain", &[]),
    ("crates/wire", &["domain"]),
    ("crates/store", &["domain"]),
    ("crates/engine", &["domain", "wire", "store"]),
    ("crates/providers", &["domain", "engine"]),
    ("crates/simulators", &[]),
    ("crates/web", &["domain", "wire", "engine"]),
    // For tests only; nothing uses it.
    ("crates/simulation", &["domain", "wire", "store", "engine", "test-postgres"]),
    ("crates/ferropay", &["domain", "wire", "store", "engine", "providers", "simulators", "web"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace").to_path_buf()
}

/// Every file of the project that is text, as path from the root and content.
fn text_files() -> Vec<(String, String)> {
    let listed = Command::new("git")
        // A checkout that belongs to another user (a mounted volume) is still this project.
        .args(["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git is needed to list the project's files");
    assert!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
    let files: Vec<(String, String)> = String::from_utf8(listed.stdout)
        .expect("paths are UTF-8")
        .split_terminator('\0')
        // A file removed but not yet committed is listed and absent; one that is not UTF-8 is not text.
        .filter_map(|path| Some((path.to_owned(), std::fs::read_to_string(root().join(path)).ok()?)))
        .filter(|(_, content)| !content.contains('\0'))
        .collect();
    assert!(files.iter().any(|(path, _)| path == "Cargo.toml"), "the listing is not that of the project");
    files
}

fn rust_files() -> Vec<(String, String)> {
    text_files().into_iter().filter(|(path, _)| has_extension(path, "rs")).collect()
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

/// `path:line` of every line of `files` for which `is_wrong` holds.
fn places(files: &[(String, String)], is_wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for (path, content) in files {
        let wrong = content.lines().enumerate().filter(|(_, line)| is_wrong(line));
        found.extend(wrong.map(|(number, line)| format!("{path}:{}: {}", number + 1, line.trim())));
    }
    found
}

fn assert_none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}\n{}", found.join("\n"));
}

/// Whether `line` holds a path that begins at the root of somebody's machine.
fn has_machine_path(line: &str) -> bool {
    // Written in pieces, or this file would break its own rule.
    ["work", "home", "root", "Users"].iter().any(|folder| {
        let path = format!("/{folder}/");
        line.match_indices(&path).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || "._-~*}/:".contains(c))
        })
    })
}

/// The targets of the links and pictures of a Markdown text, code left out.
fn link_targets(markdown: &str) -> Vec<&str> {
    let mut targets = Vec::new();
    let mut fenced = false;
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        // Every second piece between backticks is code.
        for prose in line.split('`').step_by(2) {
            for opening in ["](", "src=\"", "href=\""] {
                targets.extend(
                    prose.split(opening).skip(1).filter_map(|rest| rest.split([')', '"', ' ']).next()),
                );
            }
        }
    }
    targets
}

/// The names by which the headings of a Markdown text are linked to: small letters, digits, `-` and `_`, blanks as `-`.
fn anchors(markdown: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    let mut fenced = false;
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        let heading = line.trim_start_matches('#');
        if fenced || heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let named = heading.trim().chars().filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || "-_".contains(c) => Some(c),
            _ => None,
        });
        let name: String = named.flat_map(char::to_lowercase).collect();
        let earlier = anchors.iter().filter(|it| {
            it.strip_prefix(&name).is_some_and(|rest| {
                rest.is_empty() || rest.strip_prefix('-').is_some_and(|it| it.parse::<u32>().is_ok())
            })
        });
        let name = match earlier.count() {
            0 => name,
            again => format!("{name}-{again}"),
        };
        anchors.push(name);
    }
    anchors
}

/// The crates of the workspace that the `[dependencies]` of a manifest name, without the common prefix.
fn workspace_dependencies(manifest: &str) -> Vec<&str> {
    let mut counts = false;
    let mut names = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            counts = matches!(line.trim(), "[dependencies]" | "[build-dependencies]");
        } else if counts && let Some(rest) = line.strip_prefix("ferropay-") {
            names.extend(rest.split(['.', ' ', '=']).next());
        }
    }
    names
}

#[test]
fn no_source_file_has_outgrown_its_idea() {
    let long: Vec<String> = rust_files()
        .into_iter()
        .filter(|(path, _)| path.starts_with("crates/") && path.contains("/src/"))
        .map(|(path, content)| (path, content.lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    assert_none(&long, "split the file at its second idea");
}

#[test]
fn no_code_is_left_unfinished() {
    let marks = [concat!("to", "do!("), concat!("unimple", "mented!(")];
    let found = places(&rust_files(), |line| marks.iter().any(|mark| line.contains(mark)));
    assert_none(&found, "unfinished code is not committed");
}

#[test]
fn no_test_is_switched_off() {
    let mark = concat!("#[ig", "nore");
    assert_none(&places(&rust_files(), |line| line.contains(mark)), "a test that never runs shows nothing");
}

#[test]
fn no_file_names_a_path_of_somebodys_machine() {
    assert_none(&places(&text_files(), has_machine_path), "paths are relative, configured or temporary");
}

#[test]
fn no_line_is_indented_with_tabs() {
    let found = places(&text_files(), |line| line.contains('\t'));
    assert_none(&found, "write blanks; in Rust strings write \\t");
}

#[test]
fn every_link_of_the_documents_leads_to_a_file_and_to_a_heading_of_it() {
    let documents = text_files().into_iter().filter(|(path, _)| has_extension(path, "md"));
    let mut dead = Vec::new();
    for (path, content) in documents {
        let folder = root().join(&path).parent().expect("a file has a folder").to_path_buf();
        for target in link_targets(&content) {
            let elsewhere = target.contains("://") || target.starts_with("mailto:");
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            if elsewhere {
                continue;
            }
            let linked = folder.join(file);
            let is_there = match heading {
                "" => file.is_empty() || linked.exists(),
                // A heading of the page itself, or of another; of what is no text only its being there counts.
                _ if file.is_empty() => anchors(&content).iter().any(|it| it == heading),
                _ if !has_extension(file, "md") => linked.exists(),
                _ => std::fs::read_to_string(&linked)
                    .is_ok_and(|text| anchors(&text).iter().any(|it| it == heading)),
            };
            if !is_there {
                dead.push(format!("{path}: {target}"));
            }
        }
    }
    assert_none(&dead, "links that lead nowhere");
}

#[test]
fn crates_use_only_the_crates_they_may() {
    let manifests: Vec<_> = text_files()
        .into_iter()
        .filter_map(|(path, content)| Some((path.strip_suffix("/Cargo.toml")?.to_owned(), content)))
        .collect();
    let mut wrong = Vec::new();
    for (package, manifest) in &manifests {
        // Packages outside the list (black-box tests, fuzz targets) stand above all crates.
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| name == package) else {
            assert!(!package.starts_with("crates/"), "say in MAY_USE what {package} may use");
            continue;
        };
        let used = workspace_dependencies(manifest);
        let forbidden = used.iter().filter(|name| !allowed.contains(name));
        wrong.extend(forbidden.map(|name| format!("{package} uses ferropay-{name}")));
    }
    assert_none(&wrong, "dependencies point one way");
}

mod the_checks_themselves {
    use super::{anchors, has_machine_path, link_targets, workspace_dependencies};

    #[test]
    fn machine_paths_are_told_from_parts_of_paths_and_addresses() {
        for folder in ["work", "home", "root", "Users"] {
            assert!(has_machine_path(&format!("see /{folder}/x")), "{folder}");
            assert!(has_machine_path(&format!("\"/{folder}/x\"")), "{folder}");
            assert!(!has_machine_path(&format!("src/{folder}/x")), "{folder}");
            assert!(!has_machine_path(&format!("https://host/{folder}/x")), "{folder}");
        }
    }

    #[test]
    fn links_in_code_do_not_count() {
        let text = "[a](one.md) and ![b](two.png \"title\") `[c](no.md)`\n```\n[d](no.md)\n```\n<img src=\"three.png\">";
        assert_eq!(link_targets(text), ["one.md", "two.png", "three.png"]);
    }

    #[test]
    fn headings_are_linked_to_as_their_pages_show_them() {
        let text = "# Running Ferropay\n## Settings of `serve`\n```sh\n# no heading\n```\n#no heading\n## What's next?\n## Limits\n### Limits\n";
        let expected = ["running-ferropay", "settings-of-serve", "whats-next", "limits", "limits-1"];
        assert_eq!(anchors(text), expected);
    }

    #[test]
    fn only_dependencies_of_the_product_count() {
        let manifest = "[dependencies]\nferropay-wire.workspace = true\nserde = \"1\"\n\
                        [dev-dependencies]\nferropay-store = { workspace = true }\n";
        assert_eq!(workspace_dependencies(manifest), ["wire"]);
    }
}
