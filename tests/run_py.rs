//! `notebooks/run.py` keeps its promises: downloads arrive whole or not at all, a cell that goes wrong in any way
//! fails its notebook, and only what changed is run again. The tests themselves are Python's, in `test_run.py`.

use std::io::{ErrorKind, Write};
use std::process::Command;

#[test]
fn the_notebook_runner_passes_its_own_tests() {
    let output =
        Command::new("python3").args(["-B", "tests/test_run.py"]).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    match output {
        Ok(output) => assert!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // Past the test harness, which shows what a passing test prints to nobody.
            let line = "skipped: the tests of notebooks/run.py need python3, which is not on the PATH";
            writeln!(std::io::stderr(), "{line}").expect("stderr can be written");
        }
        Err(error) => panic!("python3 did not start: {error}"),
    }
}
