//! What becomes of a claim, in a word.

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The numbers say so.
    Holds,
    /// The numbers say the contrary.
    Fails,
    /// It holds in one box or reading, and fails in another.
    Mixed,
    /// The trials cannot tell.
    Undecided,
    /// Nothing was measured.
    NotTested,
}

impl Outcome {
    /// Of a claim that is about all of these.
    pub(super) fn together(outcomes: impl Iterator<Item = Outcome>) -> Self {
        let all: Vec<Outcome> = outcomes.collect();
        let (holds, fails) = (all.contains(&Outcome::Holds), all.contains(&Outcome::Fails));
        match (holds, fails) {
            _ if all.is_empty() => Outcome::NotTested,
            (true, true) => Outcome::Mixed,
            (false, true) => Outcome::Fails,
            (true, false) if all.iter().all(|outcome| *outcome == Outcome::Holds) => Outcome::Holds,
            _ => Outcome::Undecided,
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Outcome::Holds => "holds",
            Outcome::Fails => "fails",
            Outcome::Mixed => "mixed",
            Outcome::Undecided => "undecided",
            Outcome::NotTested => "not tested",
        })
    }
}

crate::display::shown_as_text!(Outcome);
