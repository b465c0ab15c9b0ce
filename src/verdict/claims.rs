//! What remains of the claims? One row per claim, one column per network, every word from a record.

use super::finding::Finding;
use super::{Comparison, Effect, Group, Outcome, picture};
use crate::chart::Chart;
use crate::display::{Block, escape};
use crate::error::{Error, Result};
use crate::table::{self, DataFrame};

/// A claim, and what recorded runs say of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// Where the paper makes it: "§2.2.1, Table 2".
    pub section: String,
    /// The claim, in a sentence.
    pub claim: String,
    /// The notebook that measures it, without its ending.
    pub notebook: String,
    /// Net and data of each recorded run that was judged, and what became of the claim; empty where none was.
    pub found: Vec<(String, Finding)>,
}

/// Claims of a paper, in its order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Claims {
    /// The claims.
    pub claims: Vec<Claim>,
}

impl Claims {
    /// The claims of some comparisons, by what was recorded: the same claim about several networks is one claim.
    ///
    /// # Errors
    /// [`Error::Parameter`] where there is no comparison, one without a recorded run, or two of one network on the same data.
    pub fn of(section: &str, notebook: &str, comparisons: &[&Comparison]) -> Result<Self> {
        if comparisons.is_empty() {
            return Err(Error::parameter("comparisons", 0, "be at least 1"));
        }
        let mut claims: Vec<Claim> = Vec::new();
        for comparison in comparisons {
            let Some((of, _)) = &comparison.sources.recorded else {
                return Err(Error::parameter("recorded runs of a comparison", 0, "be 1"));
            };
            if claims.iter().flat_map(|claim| &claim.found).any(|(other, _)| other == of) {
                return Err(Error::parameter("comparisons", format!("twice {of}"), "be of different networks or data"));
            }
            for verdict in &comparison.verdicts {
                let found = (of.clone(), verdict.recorded.clone());
                match claims.iter_mut().find(|claim| claim.claim == verdict.claim) {
                    Some(claim) => claim.found.push(found),
                    None => claims.push(Claim {
                        section: section.into(),
                        claim: verdict.claim.clone(),
                        notebook: notebook.into(),
                        found: vec![found],
                    }),
                }
            }
        }
        Ok(Self { claims })
    }

    /// A claim that no record can judge yet.
    pub fn untested(section: &str, notebook: &str, claim: &str) -> Self {
        let [section, notebook, claim] = [section, notebook, claim].map(String::from);
        Self { claims: vec![Claim { section, claim, notebook, found: Vec::new() }] }
    }

    /// The claims of all of these, one after the other.
    pub fn joined(parts: &[&Self]) -> Self {
        Self { claims: parts.iter().flat_map(|part| part.claims.iter().cloned()).collect() }
    }

    /// Those whose sentence contains this text: of a comparison with many arms, the paper's own.
    pub fn about(&self, text: &str) -> Self {
        Self { claims: self.claims.iter().filter(|claim| claim.claim.contains(text)).cloned().collect() }
    }

    /// Those whose sentence does not contain this text.
    pub fn without(&self, text: &str) -> Self {
        Self { claims: self.claims.iter().filter(|claim| !claim.claim.contains(text)).cloned().collect() }
    }

    /// Nets and data that anything was recorded of, in the order in which they come.
    fn nets(&self) -> Vec<&str> {
        let mut nets: Vec<&str> = Vec::new();
        for (net, _) in self.claims.iter().flat_map(|claim| &claim.found) {
            if !nets.contains(&net.as_str()) {
                nets.push(net);
            }
        }
        nets
    }

    /// How many claims have each outcome, of a net on its data.
    pub fn count(&self, net: &str, outcome: Outcome) -> usize {
        self.claims.iter().filter(|claim| claim.outcome(net) == outcome).count()
    }

    /// Columns: section, claim, notebook, net ("F1 on MNIST"), outcome, of and label (of the effect), unit, value, lower, upper, p,
    /// notes. One row for each effect, or one without numbers for a claim without effects.
    ///
    /// # Errors
    /// [`Error::Output`] from the data frame library; none is known.
    pub fn frame(&self) -> Result<DataFrame> {
        let mut rows: Vec<FrameRow<'_>> = Vec::new();
        for claim in &self.claims {
            for (net, finding) in &claim.found {
                let own = Some((net.as_str(), finding));
                match finding.effects.is_empty() {
                    true => rows.push((claim, own, None)),
                    false => rows.extend(finding.effects.iter().map(|effect| (claim, own, Some(effect)))),
                }
            }
            if claim.found.is_empty() {
                rows.push((claim, None, None));
            }
        }
        let outcome = |found: Option<(&str, &Finding)>| found.map_or(Outcome::NotTested, |found| found.1.outcome);
        let number = |name, of: fn(&Effect) -> Option<f64>| table::number(name, rows.iter().map(move |row| of(row.2?)));
        table::frame(vec![
            table::text("section", rows.iter().map(|row| Some(&row.0.section))),
            table::text("claim", rows.iter().map(|row| Some(&row.0.claim))),
            table::text("notebook", rows.iter().map(|row| Some(&row.0.notebook))),
            table::text("net", rows.iter().map(|row| row.1.map(|(net, _)| net))),
            table::text("outcome", rows.iter().map(|row| Some(outcome(row.1).to_string()))),
            table::text("of", rows.iter().map(|row| row.2.map(|effect| effect.of))),
            table::text("label", rows.iter().map(|row| row.2.map(|effect| &effect.label))),
            table::text("unit", rows.iter().map(|row| row.2.map(|effect| format!("{:?}", effect.unit).to_lowercase()))),
            number("value", |effect| Some(effect.value)),
            number("lower", |effect| Some(effect.lower)),
            number("upper", |effect| Some(effect.upper)),
            number("p", |effect| effect.p),
            table::text("notes", rows.iter().map(|row| row.1.map(|(_, finding)| finding.notes.join("; ")))),
        ])
    }

    /// How many claims hold, and one row per claim: its section, a word for each net, the numbers behind it, and the notebook.
    pub fn block(&self) -> Block {
        let nets = self.nets();
        let counted = nets.iter().map(|net| {
            let counts = [
                (Outcome::Holds, "holds", "hold"),
                (Outcome::Fails, "fails", "fail"),
                (Outcome::Mixed, "is mixed", "are mixed"),
                (Outcome::Undecided, "is undecided", "are undecided"),
                (Outcome::NotTested, "is not tested", "are not tested"),
            ];
            let counts = counts.map(|(outcome, one, several)| match self.count(net, outcome) {
                1 => format!("1 {one}"),
                count => format!("{count} {several}"),
            });
            format!("{net}: of {} claims {}.", self.claims.len(), counts.join(", "))
        });
        let counted: Vec<String> = counted.collect();
        let rows = self.claims.iter().map(|claim| {
            let words = nets.iter().map(|net| claim.outcome(net).to_string());
            let mut row = vec![claim.section.clone(), claim.claim.clone()];
            row.extend(words);
            row.extend([claim.numbers(), claim.notebook.clone()]);
            row
        });
        let mut columns = vec!["in the paper", "claim"];
        columns.extend(&nets);
        columns.extend(["the numbers (95 % intervals)", "notebook"]);
        let mut table = Block::table("Claims", &columns, rows.collect());
        for claim in &self.claims {
            // A reader goes from the claim to where it is measured.
            let (plain, short) = (escape(&claim.notebook), claim.notebook.split('_').next().unwrap_or_default());
            let link = format!("><a href=\"{plain}.ipynb\">{}</a></td>", escape(short));
            table.html = table.html.replace(&format!(">{plain}</td>"), &link);
        }
        match counted.is_empty() {
            true => table,
            false => Block::joined(&[table, Block::paragraph(&counted.join(" "))]),
        }
    }

    /// Each effect with its 95 % interval, claim by claim, and shaded where the claim says that it lies.
    ///
    /// # Errors
    /// [`Error::Parameter`] where no claim has an effect; [`Error::Output`] from the chart library.
    pub fn chart(&self) -> Result<Chart> {
        let groups = self.claims.iter().map(|claim| Group {
            title: format!("{}: {}", claim.section, claim.claim),
            rows: claim.found.iter().flat_map(|(net, finding)| rows(claim.short(net), &finding.effects)).collect(),
        });
        picture(&groups.collect::<Vec<_>>())
    }

    /// What a cell shows: the [block](Self::block).
    pub fn evcxr_display(&self) {
        self.block().evcxr_display();
    }
}

/// A row of the frame: the claim, whose finding it is, and one effect of it.
type FrameRow<'a> = (&'a Claim, Option<(&'a str, &'a Finding)>, Option<&'a Effect>);

/// Effects with their names, all recorded.
fn rows<'a>(net: &'a str, effects: &'a [Effect]) -> impl Iterator<Item = (String, bool, &'a Effect)> {
    effects.iter().map(move |effect| match effect.label.as_str() {
        "" => (net.to_string(), true, effect),
        label => (format!("{net}, {label}"), true, effect),
    })
}

impl Claim {
    /// What became of it by the records of a net on its data.
    pub fn outcome(&self, net: &str) -> Outcome {
        let own = self.found.iter().find(|(other, _)| other == net);
        own.map_or(Outcome::NotTested, |(_, finding)| finding.outcome)
    }

    /// The net alone, where that tells whose a number is: its data stands in the table.
    fn short<'a>(&self, net: &'a str) -> &'a str {
        let alone = |net: &str| net.split(" on ").next().unwrap_or(net).len();
        let own = &net[..alone(net)];
        let alike = self.found.iter().filter(|(other, _)| &other[..alone(other)] == own).count();
        if alike > 1 { net } else { own }
    }

    /// The effects in a line, net by net.
    fn numbers(&self) -> String {
        let of_net = |(net, finding): &(String, Finding)| {
            let effects = finding.effects.iter().map(|effect| match effect.label.as_str() {
                "" => effect.interval(),
                label => format!("{label}: {}", effect.interval()),
            });
            let said: Vec<String> = effects.chain(finding.notes.iter().cloned()).collect();
            format!("{}: {}", self.short(net), said.join("; "))
        };
        let of = self.found.iter().flat_map(|(_, finding)| &finding.effects).map(|effect| effect.of).next();
        let said: Vec<String> = self.found.iter().map(of_net).collect();
        match of {
            Some(of) if !of.is_empty() => format!("{of}. {}", said.join(". ")),
            _ => said.join(". "),
        }
    }
}

crate::display::shown_as_text!(Claim);

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(found: Vec<(&str, Finding)>) -> Claim {
        let found = found.into_iter().map(|(net, finding)| (net.into(), finding)).collect();
        Claim { section: "§1".into(), claim: "It holds.".into(), notebook: "01".into(), found }
    }

    #[test]
    fn claims_are_counted_by_net() -> Result<()> {
        let effect = Effect::times([4.0, 2.0, 8.0], Some(0.01)).of("a, large over small");
        let holds = claim(vec![("F1 on MNIST", Finding::by(vec![effect.clone()]))]);
        let fails = claim(vec![
            ("F1 on MNIST", Finding::by(vec![effect.clone().less().labelled("a box")])),
            ("C1 on CIFAR-10", Finding::bare(Outcome::Undecided, "one trial of each")),
        ]);
        let claims = Claims { claims: vec![holds, fails] };
        let claims = Claims::joined(&[&claims, &Claims::untested("§5", "12", "It is not measured.")]);
        let count = |net, outcome| claims.count(net, outcome);
        assert_eq!(
            [Outcome::Holds, Outcome::Fails, Outcome::NotTested].map(|one| count("F1 on MNIST", one)),
            [1, 1, 1]
        );
        assert_eq!(count("C1 on CIFAR-10", Outcome::NotTested), 2);
        assert_eq!((claims.about("measured").claims.len(), claims.without("measured").claims.len()), (1, 2));
        assert!(claims.block().html.contains("<a href=\"01.ipynb\">01</a>"));
        let text = claims.block().text;
        for said in [
            "a, large over small. F1: 4.0 (2.00 to 8.0)",
            "F1: a box: 4.0 (2.00 to 8.0). C1: one trial of each",
            "F1 on MNIST: of 3 claims 1 holds, 1 fails, 0 are mixed, 0 are undecided, 1 is not tested.",
        ] {
            assert!(text.contains(said), "{text}");
        }
        assert!(claims.chart().is_ok());
        assert_eq!(claims.frame()?.height(), 4);
        assert!(Claims::default().chart().is_err());
        assert_eq!(
            Claims::default().block().text.trim(),
            "Claims\nin the paper  claim  the numbers (95 % intervals)  notebook"
        );
        Ok(())
    }
}
