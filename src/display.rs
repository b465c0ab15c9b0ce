//! What does a cell show? Tables, pictures and text in the notebook kernel's protocol, and lines of progress while it works.
//!
//! The kernel shows one block of each MIME type a cell: the last. So what belongs together is joined in one [`Block`]
//! before it is shown, and each block has a plain text beside it, so that a difference between two notebooks can be read.
//! This is the only room that prints.

use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Something for a cell to show: HTML, and the same as plain text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Block {
    /// HTML without scripts or style sheets, so that it passes sanitizers.
    pub html: String,
    /// The same as text.
    pub text: String,
}

impl Block {
    /// A table with a title above; cells that hold a number are set right. Text is escaped.
    pub fn table(title: &str, columns: &[&str], rows: Vec<Vec<String>>) -> Self {
        let mut html = format!("<p><b>{}</b></p><table><thead><tr>", escape(title));
        for (index, column) in columns.iter().enumerate() {
            let numeric = rows.iter().filter_map(|row| row.get(index)).any(|cell| is_numeric(cell));
            let side = if numeric { "right" } else { "left" };
            let _ = write!(html, "<th style=\"text-align:{side}\">{}</th>", escape(column));
        }
        html.push_str("</tr></thead><tbody>");
        for row in &rows {
            html.push_str("<tr>");
            for cell in row {
                // Numbers are never broken, and a sentence is.
                let side = if is_numeric(cell) { "right" } else { "left" };
                let wrap = if cell.chars().count() < 24 { "nowrap" } else { "normal" };
                let _ = write!(html, "<td style=\"text-align:{side};white-space:{wrap}\">{}</td>", escape(cell));
            }
            html.push_str("</tr>");
        }
        html.push_str("</tbody></table>");
        Self { html, text: format!("{title}\n{}", aligned(columns, &rows)) }
    }

    /// Folded where a viewer can fold: its first line, which a click unfolds. As text it stays whole.
    pub fn folded(self) -> Self {
        let title = self.text.lines().next().unwrap_or_default();
        let inside = self.html.replacen(&format!("<p><b>{}</b></p>", escape(title)), "", 1);
        Self { html: format!("<details><summary>{}</summary>{inside}</details>", escape(title)), text: self.text }
    }

    /// A paragraph.
    pub fn paragraph(text: &str) -> Self {
        Self { html: format!("<p>{}</p>", escape(text)), text: text.into() }
    }

    /// Several blocks one below the other, as one: a cell shows only one.
    pub fn joined(blocks: &[Block]) -> Self {
        let html = blocks.iter().map(|block| block.html.as_str()).collect::<Vec<_>>().join("\n");
        let text = blocks.iter().map(|block| block.text.as_str()).collect::<Vec<_>>().join("\n\n");
        Self { html, text }
    }

    /// Shows the block in a cell; in a program, print it: its `Display` is the text.
    pub fn evcxr_display(&self) {
        evcxr_runtime::mime_type("text/plain").text(&self.text);
        evcxr_runtime::mime_type("text/html").text(&self.html);
    }
}

/// What a cell shows of values that their `Debug` says well; without it the kernel would compile the cell twice.
macro_rules! shown_as_text {
    ($($type:ty),*) => {$(
        impl $type {
            /// What a cell shows.
            pub fn evcxr_display(&self) {
                crate::display::text(&format!("{self:?}"));
            }
        }
    )*};
}
pub(crate) use shown_as_text;

impl std::fmt::Display for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Shows a line of text in a cell.
pub(crate) fn text(line: &str) {
    evcxr_runtime::mime_type("text/plain").text(line);
}

/// Shows a picture in a cell, with its words for those who cannot see it. Notebook viewers on the web show `image/svg+xml`.
/// JupyterLab shows it in notebooks that it trusts alone, those that were run there, and in others the block's image.
pub(crate) fn picture(svg: &str, block: &Block) {
    block.evcxr_display();
    evcxr_runtime::mime_type("image/svg+xml").text(svg);
}

/// Text that means itself in HTML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// What a title says of that which is not there: nothing where all is.
pub(crate) fn missing(unmeasured: usize, diverged: usize) -> String {
    let unmeasured = match unmeasured {
        0 => String::new(),
        count => format!("; {count} missing, the budget of seconds was used up"),
    };
    match diverged {
        0 => unmeasured,
        count => format!("{unmeasured}; {count} left out, of trials that diverged"),
    }
}

/// What a title says of trials that a budget cut short and of measures that failed: nothing where there are none.
pub(crate) fn doubtful(cut: usize, failed: usize) -> String {
    let said = |count: usize, what: &str| if count > 0 { format!("; {count} {what}") } else { String::new() };
    said(cut, "cut short, the budget of seconds was used up") + &said(failed, "left out, of measures that failed")
}

/// The sum of counts, which may come from anywhere.
pub(crate) fn total(counts: impl Iterator<Item = usize>) -> usize {
    counts.fold(0, usize::saturating_add)
}

/// "one path", "12 paths".
pub(crate) fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("one {what}") } else { format!("{} {what}s", grouped(number)) }
}

/// 1462794 as "1,462,794".
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

/// So many decimals. What lies half-way between two is rounded away from 0, whichever way its last bit fell: the mean of 75.04 and
/// 75.05 is 75.05 in every table.
pub(crate) fn decimals(value: f64, count: usize) -> String {
    format!("{:.count$}", value * (1.0 + 1e-12))
}

/// A probability with three decimals, or as a power of ten where these would be 0.
pub(crate) fn probability(p: f64) -> String {
    if p >= 0.001 { format!("{p:.3}") } else { format!("{p:.0e}") }
}

/// Four significant digits, without an exponent where it can be read without.
pub(crate) fn significant(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || !value.is_finite() {
        format!("{value}")
    } else if (1e-4..1e6).contains(&size) {
        format!("{value:.*}", (3 - size.log10().floor() as i32).clamp(0, 8) as usize)
    } else {
        format!("{value:.3e}")
    }
}

/// A factor, or the end of its interval, with the digits that a reader needs: two.
pub(crate) fn factor(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return value.to_string();
    }
    match size {
        0.0 => "0".into(),
        _ if !(1e-3..1e5).contains(&size) => format!("{value:.1e}"),
        // Around 1 a second digit after the point tells more from less.
        _ if (0.1..3.0).contains(&size) => format!("{value:.2}"),
        _ => {
            let decimals = 1 - size.log10().floor() as i32;
            let unit = 10f64.powi(-decimals);
            format!("{:.*}", decimals.max(0) as usize, (value / unit).round() * unit)
        }
    }
}

/// A mean with its deviation, both to the second digit of the deviation: "18.7 ± 9.2", "205 ± 70". Where there is no deviation, or
/// none that is a number above 0, the mean alone says as much as [`significant`] does.
pub(crate) fn plus_minus(mean: f64, deviation: Option<f64>) -> String {
    let Some(deviation) = deviation.filter(|deviation| deviation.is_finite()) else { return significant(mean) };
    let digits = |value: f64, decimals: i32| format!("{value:.*}", decimals.max(0) as usize);
    let is_plain = mean == 0.0 || (1e-4..1e6).contains(&mean.abs());
    if !(is_plain && (1e-8..1e6).contains(&deviation)) {
        return format!("{} ± {}", significant(mean), significant(deviation));
    }
    let decimals = 1 - deviation.log10().floor() as i32;
    format!("{} ± {}", digits(mean, decimals), digits(deviation, decimals))
}

/// Seconds as a reader says them: "0.4 s", "12 s", "3 min 20 s", "2 h 5 min".
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// Whether a cell is set as a number: one, or the dash that stands for none.
fn is_numeric(cell: &str) -> bool {
    cell == "–"
        || cell.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+' || c == '−')
            && cell.chars().any(|c| c.is_ascii_digit())
}

/// A table in text: columns two spaces apart.
fn aligned(columns: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = columns.iter().map(|column| (*column).into()).collect();
    let lines = || std::iter::once(&head).chain(rows);
    let wide = |column: usize| lines().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns.len()).map(|column| wide(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            let gap = " ".repeat(width.saturating_sub(cell.chars().count()));
            if is_numeric(cell) { format!("{gap}{cell}") } else { format!("{cell}{gap}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_string()
    };
    lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Lines of progress: whole lines, since the kernel can neither show half of one nor write over one, and few of them:
/// none in the first two seconds, then about twenty in all, however long the work takes.
pub(crate) struct Progress {
    total: usize,
    begin: Instant,
    state: Mutex<State>,
}

struct State {
    done: usize,
    next: Option<Duration>,
}

impl Progress {
    /// For work of `total` equal parts.
    pub(crate) fn new(total: usize, quiet: bool) -> Self {
        let next = (!quiet).then_some(Duration::from_secs(2));
        Self { total, begin: Instant::now(), state: Mutex::new(State { done: 0, next }) }
    }

    /// Counts parts that are done; where a line is due, prints it with what was just done.
    pub(crate) fn advance(&self, parts: usize, what: impl FnOnce() -> String) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done = (state.done + parts).min(self.total);
        let elapsed = self.begin.elapsed();
        if parts == 0 || state.next.is_none_or(|next| elapsed < next) {
            return;
        }
        let expected = elapsed.as_secs_f64() * self.total as f64 / state.done.max(1) as f64;
        state.next = Some(elapsed + Duration::from_secs_f64((expected / 20.0).max(2.0)));
        print_line(&line(state.done, self.total, elapsed.as_secs_f64(), expected, &what()));
    }

    /// Prints a line at once, unless the work is quiet.
    pub(crate) fn say(&self, what: impl FnOnce() -> String) {
        let is_quiet = self.state.lock().unwrap_or_else(PoisonError::into_inner).next.is_none();
        if !is_quiet {
            print_line(&what());
        }
    }
}

impl Progress {
    /// Says what was lost, on the error stream and be the work quiet or not.
    pub(crate) fn warn(&self, what: &dyn std::fmt::Display) {
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), "{what}");
    }
}

/// A line that nobody can read (a closed pipe, a full disk) must not end hours of work, as `println!` would.
fn print_line(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn line(done: usize, total: usize, elapsed: f64, expected: f64, what: &str) -> String {
    let percent = 100 * done / total.max(1);
    format!(
        "{percent:3} % · {what} · {} so far, about {} to go",
        duration(elapsed),
        duration((expected - elapsed).max(0.0))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_readers_say_them() {
        assert_eq!(
            ["0", "12", "1,234", "1,462,794"],
            [0, 12, 1234, 1_462_794].map(grouped).each_ref().map(String::as_str)
        );
        let said = [0.42, 12.4, 200.0, 7500.0].map(duration);
        assert_eq!(said.each_ref().map(String::as_str), ["0.4 s", "12 s", "3 min 20 s", "2 h 5 min"]);
    }

    #[test]
    fn means_are_told_as_far_as_their_deviation_lets_them() {
        let said = |mean, deviation| plus_minus(mean, Some(deviation));
        assert_eq!(said(1.23, 0.83), "1.23 ± 0.83");
        assert_eq!(said(205.14, 69.52), "205 ± 70");
        assert_eq!(said(12_345.6, 1_234.5), "12346 ± 1234");
        assert_eq!(said(0.012, 0.00041), "0.01200 ± 0.00041");
        assert_eq!(said(-0.0316, 0.0995), "-0.032 ± 0.100");
        assert_eq!(said(0.0004928, 3.428e-5), "0.000493 ± 0.000034");
        assert_eq!(said(0.5, 0.0), "0.5000 ± 0");
        assert_eq!(said(3e-7, 1e-8), "3.000e-7 ± 1.000e-8");
        assert_eq!(said(2.0, f64::NAN), "2.000");
        assert_eq!(plus_minus(2.0, None), "2.000");
    }

    #[test]
    fn a_table_is_the_same_in_both_forms_and_escaped() {
        let block = Block::table("a < b", &["name", "value"], vec![vec!["x & y".into(), "1.5".into()]]);
        assert_eq!(block.text, "a < b\nname   value\nx & y    1.5");
        assert!(block.html.contains("<b>a &lt; b</b>") && block.html.contains("x &amp; y"));
        assert!(block.html.contains("text-align:right;white-space:nowrap\">1.5"));
    }

    #[test]
    fn a_line_says_what_is_done_and_what_remains() {
        assert_eq!(
            line(5, 20, 30.0, 120.0, "small, trial 1"),
            " 25 % · small, trial 1 · 30 s so far, about 1 min 30 s to go"
        );
    }

    #[test]
    fn numbers_have_four_significant_digits() {
        let said = [0.0, 1.0, 0.012_345_6, 98.034, 12_345.6, 1.5e-7, -2.5, f64::NAN].map(significant);
        let expected = ["0", "1.000", "0.01235", "98.03", "12346", "1.500e-7", "-2.500", "NaN"];
        assert_eq!(said.each_ref().map(String::as_str), expected);
    }
}
