//! The house: which room knows which library, who prints, and what nobody writes.

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
    let rooms: [(&[&str], &[&str]); 8] = [
        (&["candle_core", "candle_nn"], &["net/layer.rs", "net/pass.rs", "net/composed.rs", "net/device.rs", "optim/"]),
        (&["pulp::"], &["wide.rs", "net/kernel/product.rs"]),
        (&["basin::"], &["sharpness/maximize/lbfgsb.rs"]),
        (&["polars::"], &["table/"]),
        (&["plotters::"], &["chart/"]),
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

/// Dependencies run one way: weights ← net ← objective ← train ← sharpness, landscape ← table ← chart; these import nothing of the others but errors.
#[test]
fn low_rooms_know_no_high_ones() -> Outcome {
    let order = ["data", "weights", "net", "objective", "train", "sharpness", "landscape", "table", "chart"];
    for (name, text) in sources()? {
        let Some(own) = order.iter().position(|room| name.starts_with(room)) else { continue };
        for above in &order[own + 1..] {
            let line = code(&text).find(|line| line.contains(&format!("crate::{above}")));
            assert_eq!(line, None, "{name} is below {above}");
        }
    }
    // An error keeps the trials that ended well, and whatever a cell shows is shown by `display`: the two exceptions.
    let rooms = [
        ("seed.rs", &["error"][..]),
        ("display.rs", &["error", "display"]),
        ("file.rs", &["error"]),
        ("paper/mod.rs", &["error", "display"]),
        ("paper/figure_3.rs", &["error", "display"]),
        ("error.rs", &["train::Trials", "display"]),
    ];
    for (room, allowed) in rooms {
        let (_, text) = sources()?.into_iter().find(|(name, _)| name == room).ok_or("no such room")?;
        for line in code(&text).filter(|line| line.contains("crate::")) {
            let known = allowed.iter().any(|other| line.contains(&format!("crate::{other}")));
            assert!(known, "{room} imports no other room: {line}");
        }
    }
    Ok(())
}

/// No global state: a cell of a notebook has its own copy of everything static.
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
