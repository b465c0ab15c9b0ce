//! The house: which room knows which library, who prints, and what nobody writes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Every source file: its path below `src` and its text without tests.
fn sources() -> Result<Vec<(String, String)>, Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders: Vec<PathBuf> = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = std::fs::read_to_string(&path)?;
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_string();
                let name = path.strip_prefix(&root)?.to_string_lossy().replace('\\', "/");
                found.push((name, code));
            }
        }
    }
    assert!(found.len() > 25, "{} files", found.len());
    Ok(found)
}

/// Lines of code, without comments and docs.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim_start).filter(|line| !line.starts_with("//"))
}

#[test]
fn each_library_has_its_rooms() -> Outcome {
    let rooms: [(&[&str], &[&str]); 10] = [
        (
            &["candle_core", "candle_nn"],
            &[
                "net/averages.rs",
                "net/composed.rs",
                "net/device.rs",
                "net/engine.rs",
                "net/layer.rs",
                "net/points.rs",
                "net/standing.rs",
                "optim/",
            ],
        ),
        (&["pulp::"], &["wide.rs", "net/kernel/product.rs", "net/kernel/filtering.rs"]),
        (&["basin::"], &["sharpness/maximize/lbfgsb.rs"]),
        (&["polars::"], &["table/"]),
        (&["plotters::"], &["chart/"]),
        (&["contour::"], &["chart/surfaces.rs"]),
        (&["csv::"], &["data/csv.rs", "table/save.rs"]),
        (&["statrs::"], &["spread.rs", "threshold.rs"]),
        (&["println!", "print!", "stdout", "evcxr_runtime"], &["display.rs"]),
        (&["rand::"], &["seed.rs", "net/", "data/synthetic.rs"]),
    ];
    for (name, text) in sources()? {
        for (words, allowed) in rooms {
            let here = allowed.iter().any(|room| name.starts_with(room));
            for word in words.iter().filter(|_| !here) {
                let line = code(&text).find(|line| line.contains(word));
                assert_eq!(line, None, "'{word}' belongs into {allowed:?}, but is in {name}");
            }
        }
    }
    Ok(())
}

/// Every module that one imports: by `use`, grouped or not, and by paths in the code, through `crate::`, `super::`, or the name
/// of a module below it. A name that a module only hands on (`pub use`) is that of the module where it is defined.
struct Imports {
    modules: BTreeMap<String, String>,
    handed_on: BTreeMap<(String, String), Vec<String>>,
}

impl Imports {
    fn of(sources: Vec<(String, String)>) -> Self {
        let modules: BTreeMap<String, String> = sources
            .into_iter()
            .map(|(name, text)| {
                let module = name.trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::");
                let module = if module == "lib" { String::new() } else { module };
                (module, code(&text).collect::<Vec<_>>().join("\n"))
            })
            .collect();
        let mut handed_on = BTreeMap::new();
        for (module, text) in &modules {
            for (public, tree) in uses(text) {
                for path in expanded(&tree).into_iter().filter(|_| public) {
                    let path: Vec<String> = path.split("::").map(str::to_string).collect();
                    handed_on.insert((module.clone(), path[path.len() - 1].clone()), path);
                }
            }
        }
        Self { modules, handed_on }
    }

    /// The module that a path leads to from another one; nothing for paths into other crates.
    fn target(&self, from: &str, path: &[String], depth: usize) -> Option<String> {
        let mut names = path.iter().map(String::as_str).peekable();
        let above = |module: &str| module.rsplit_once("::").map_or(String::new(), |(above, _)| above.to_string());
        let mut module = match names.peek().copied()? {
            "crate" => {
                names.next();
                String::new()
            }
            _ => from.to_string(),
        };
        while names.next_if(|name| *name == "super").is_some() {
            module = above(&module);
        }
        names.next_if(|name| *name == "self");
        let begin = module.clone();
        while let Some(name) = names.peek() {
            let below = if module.is_empty() { (*name).to_string() } else { format!("{module}::{name}") };
            if !self.modules.contains_key(&below) {
                break;
            }
            module = below;
            names.next();
        }
        if let Some(name) = names.peek()
            && depth < 8
            && let Some(other) = self.handed_on.get(&(module.clone(), (*name).to_string()))
        {
            return self.target(&module, other, depth + 1).or(Some(module));
        }
        let own = ["crate", "super", "self"].contains(&path[0].as_str());
        (own || module != begin).then_some(module)
    }

    fn edges(&self) -> BTreeMap<String, BTreeSet<String>> {
        let of = |module: &String, text: &String| {
            let mut paths: Vec<String> = Vec::new();
            for (_, tree) in uses(text).into_iter().filter(|(public, _)| !public) {
                paths.extend(expanded(&tree));
            }
            // What remains, without its `use`, is searched for paths.
            let rest: String = text.split(';').filter(|part| !is_use(part)).collect::<Vec<_>>().join(";");
            paths.extend(inline(&rest));
            let split = |path: &String| path.split("::").map(str::to_string).collect::<Vec<_>>();
            let targets = paths.iter().filter_map(|path| self.target(module, &split(path), 0));
            (module.clone(), targets.filter(|target| target != module && !target.is_empty()).collect())
        };
        // `lib` hands everything on and is imported by nobody.
        self.modules.iter().filter(|(module, _)| !module.is_empty()).map(|(module, text)| of(module, text)).collect()
    }
}

fn is_use(part: &str) -> bool {
    let last = part.trim_start().rsplit(['}', '\n']).next().unwrap_or_default();
    let begins =
        |text: &str| ["use ", "pub use ", "pub(crate) use ", "pub(super) use "].iter().any(|w| text.starts_with(w));
    begins(part.trim_start()) || begins(last.trim_start()) || part.lines().any(|line| begins(line.trim_start()))
}

/// The trees of `use`, each with whether it hands on what it names.
fn uses(text: &str) -> Vec<(bool, String)> {
    let mut found = Vec::new();
    for part in text.split(';') {
        for public in ["", "pub ", "pub(crate) ", "pub(super) "] {
            let word = format!("{public}use ");
            let place = if part.starts_with(&word) { Some(0) } else { part.rfind(&format!("\n{word}")).map(|p| p + 1) };
            if let Some(place) = place {
                let tree = part[place + word.len()..].split_whitespace().collect::<Vec<_>>().join(" ");
                found.push((!public.is_empty(), tree));
            }
        }
    }
    found
}

/// `a::{b, c::{d, e as f}}` as `a::b`, `a::c::d`, `a::c::e`.
fn expanded(tree: &str) -> Vec<String> {
    let Some((before, rest)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        return vec![path.replace([' ', '}'], "")];
    };
    let (mut depth, mut parts) = (1, vec![String::new()]);
    for character in rest.chars() {
        depth += i32::from(character == '{') - i32::from(character == '}');
        match (character, depth) {
            (_, 0) => break,
            (',', 1) => parts.push(String::new()),
            _ => parts.iter_mut().rev().take(1).for_each(|last| last.push(character)),
        }
    }
    let parts = parts.iter().filter(|part| !part.trim().is_empty());
    parts.flat_map(|part| expanded(&format!("{before}{}", part.trim()))).collect()
}

/// Paths in code: names joined by `::`.
fn inline(text: &str) -> Vec<String> {
    let is_name = |character: char| character.is_alphanumeric() || character == '_' || character == ':';
    let words = text.split(|character| !is_name(character));
    let paths = words.filter(|word| word.contains("::") && !word.starts_with(':'));
    paths.map(|path| path.trim_end_matches(':').to_string()).collect()
}

/// What a module reaches through others.
fn reached(edges: &BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut waiting = vec![from.to_string()];
    while let Some(module) = waiting.pop() {
        for next in edges.get(&module).into_iter().flatten() {
            if seen.insert(next.clone()) {
                waiting.push(next.clone());
            }
        }
    }
    seen
}

/// No module imports itself, by whatever way through others.
#[test]
fn there_is_no_circle() -> Outcome {
    let edges = Imports::of(sources()?).edges();
    assert!(edges.len() > 60 && edges.values().map(BTreeSet::len).sum::<usize>() > 200, "imports are seen");
    for module in edges.keys() {
        let circle: Vec<String> =
            reached(&edges, module).into_iter().filter(|other| reached(&edges, other).contains(module)).collect();
        assert!(circle.is_empty(), "{module} lies on a circle through {circle:?}");
    }
    Ok(())
}

/// The test above sees every way to write an import: in a house of three rooms, each way closes a circle.
#[test]
fn circles_are_seen() {
    let ways = [
        "use crate::a::One;",
        "use crate::{a::One, c};",
        "use crate::{\n    c,\n    a::{\n        One,\n    },\n};",
        "fn f() -> crate::a::One { todo() }",
        "use super::super::a;",
        "use super::super::{a, c as d};",
        "fn f() { super::super::a::g() }",
        "use crate::Handed;",
        "use crate::{Handed as Other};",
    ];
    for way in ways {
        let text = |text: &str| text.to_string();
        let house = vec![
            ("lib.rs".to_string(), text("mod a;\nmod b;\nmod c;\npub use a::Handed;\n")),
            ("a.rs".to_string(), text("use crate::c;\nuse crate::b::below::Two;\n")),
            ("b/mod.rs".to_string(), text("mod below;\n")),
            ("b/below.rs".to_string(), text(way)),
            ("c.rs".to_string(), text("")),
        ];
        let edges = Imports::of(house).edges();
        assert!(reached(&edges, "a").contains("a"), "{way}: {edges:?}");
    }
}

/// Rooms from the ground up; each may import those before it. The list has every room.
#[test]
fn rooms_stand_in_order() -> Outcome {
    let order = [
        "display",
        "error",
        "file",
        "memory",
        "wide",
        "scale",
        "seed",
        "spread",
        "threshold",
        "parallel",
        "paper",
        "data",
        "weights",
        "kept",
        "work",
        "net",
        "optim",
        "objective",
        "train",
        "sharpness",
        "noise",
        "spectrum",
        "landscape",
        "remedies",
        "distances",
        "break_even",
        "warm_starts",
        "way_down",
        "table",
        "record",
        "chart",
        "verdict",
    ];
    let room = |module: &str| module.split("::").next().unwrap_or_default().to_string();
    let place =
        |room: &str| order.iter().position(|other| *other == room).ok_or_else(|| format!("{room} has no place"));
    let edges = Imports::of(sources()?).edges();
    let mut wrong = Vec::new();
    for (module, others) in &edges {
        for other in others.iter().filter(|other| room(other) != room(module)) {
            if place(&room(other))? > place(&room(module))? {
                wrong.push(format!("{module} imports {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

/// No global state: a cell of a notebook has its own copy of everything static.
/// Names and arguments of the public functions of a file, and of what its macros write.
fn public_functions(text: &str) -> Vec<(String, String)> {
    let all = code(text).collect::<Vec<_>>().join(" ");
    let signature = |rest: &str| {
        let end = rest.find(|letter: char| !(letter.is_alphanumeric() || letter == '_'))?;
        let (name, rest) = rest.split_at(end);
        let begin = rest.find('(')?;
        let mut depth = 0;
        let close = rest[begin..].find(|letter| {
            depth += i32::from(letter == '(') - i32::from(letter == ')');
            depth == 0
        })?;
        Some((name.to_string(), rest[begin..begin + close].to_string()))
    };
    all.split("pub fn ").skip(1).filter_map(signature).collect()
}

/// A function that takes numbers, lists or names from outside is called with hostile ones.
#[test]
fn every_public_function_is_asked_with_hostile_arguments() -> Outcome {
    let asked = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile.rs"))?;
    let takes = ["f64", "f32", "usize", "u64", "u32", "&[", "Vec<", "&str", "AsRef<"];
    let mut count = 0;
    let mut missing = Vec::new();
    for (name, text) in sources()? {
        for (function, arguments) in public_functions(&text) {
            if takes.iter().any(|kind| arguments.contains(kind)) {
                count += 1;
                let is_asked = [".", "::", " "].iter().any(|before| asked.contains(&format!("{before}{function}(")));
                if !is_asked {
                    missing.push(format!("{name}: {function}"));
                }
            }
        }
    }
    assert!(count > 180, "{count} functions");
    assert!(missing.is_empty(), "not in tests/hostile.rs: {missing:?}");
    Ok(())
}

#[test]
fn there_is_no_global_state() -> Outcome {
    for (name, text) in sources()? {
        for word in
            ["static mut", "thread_local!", "lazy_static", "LazyLock", "global_allocator", "build_global", "set_var"]
        {
            let line = code(&text).find(|line| line.contains(word));
            assert_eq!(line, None, "{name}");
        }
        // Bytes that never change are the same in every copy.
        let line = code(&text).find(|line| {
            let line = line.trim_start_matches("pub ").trim_start_matches("pub(crate) ");
            line.starts_with("static ") && !line.starts_with("static PACKED: &[u8; ")
        });
        assert_eq!(line, None, "{name}");
    }
    Ok(())
}

#[test]
fn files_name_no_machine() -> Outcome {
    for (name, text) in sources()? {
        for word in ["/home/", "/root/", "/work/", "/tmp/"] {
            assert!(!text.contains(word), "{word} in {name}");
        }
    }
    Ok(())
}

/// The kernel shows a value of a type without `evcxr_display` by its `Debug`, a wall of numbers, after compiling the cell twice.
#[test]
fn every_public_type_says_what_a_cell_shows() -> Outcome {
    let (mut types, mut shown) = (BTreeSet::new(), BTreeSet::new());
    for (_, text) in sources()? {
        let mut within = String::new();
        let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for line in &code {
            let declared = ["pub struct ", "pub enum "].iter().find_map(|word| line.strip_prefix(word));
            if let Some(rest) = declared {
                types.insert(word_of(rest));
            } else if let Some(rest) = line.strip_prefix("impl ") {
                within = word_of(rest);
            } else if line.contains("pub fn evcxr_display(&self)") {
                shown.insert(within.clone());
            } else if let Some((name, _)) = line.split_once(": |own| ") {
                // `shows_regimes!` writes it for each of its types.
                shown.insert(name.trim().to_string());
            }
        }
        for named in code.join(" ").split("shown_as_text!(").skip(1) {
            let named = named.split(')').next().unwrap_or_default();
            shown.extend(named.split(',').map(|name| word_of(name.trim())));
        }
    }
    assert!(types.len() > 40, "{types:?}");
    let silent: Vec<&String> = types.difference(&shown).collect();
    assert!(silent.is_empty(), "a cell cannot show {silent:?}");
    Ok(())
}

fn word_of(text: &str) -> String {
    text.chars().take_while(|&letter| letter.is_alphanumeric() || letter == '_').collect()
}
