//! What became of a claim by the numbers of one source: a word, and the effects behind it.

use super::effect::Effect;
use super::outcome::Outcome;
use crate::error::Result;

/// What becomes of a claim by the numbers of one source.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// In a word.
    pub outcome: Outcome,
    /// The numbers behind that; none where there is no test.
    pub effects: Vec<Effect>,
    /// What is to be said beside them: what is missing, left out, or unreliable.
    pub notes: Vec<String>,
}

impl Finding {
    /// By effects, all of which the claim is about.
    pub(super) fn by(effects: Vec<Effect>) -> Self {
        let outcomes = effects.iter().map(Effect::outcome);
        Self { outcome: Outcome::together(outcomes), effects, notes: Vec::new() }
    }

    /// By boxes, all of which the claim is about; one without an effect says why, and leaves the claim undecided.
    pub(super) fn by_boxes(boxes: Vec<std::result::Result<Effect, String>>) -> Self {
        let outcomes = boxes.iter().map(|one| one.as_ref().map_or(Outcome::Undecided, Effect::outcome));
        let mut judged = Self { outcome: Outcome::together(outcomes), effects: Vec::new(), notes: Vec::new() };
        for one in boxes {
            match one {
                Ok(effect) => judged.effects.push(effect),
                Err(reason) if judged.notes.contains(&reason) => {}
                Err(reason) => judged.notes.push(reason),
            }
        }
        judged
    }

    /// Of a claim that is about every box: one box refutes it.
    pub(super) fn everywhere(mut self) -> Self {
        if self.effects.iter().any(|effect| effect.outcome() == Outcome::Fails) {
            self.outcome = Outcome::Fails;
        }
        self
    }

    /// By one effect, if there could be a test.
    pub(super) fn by_test<T>(test: Result<T>, effect: impl FnOnce(&T) -> Effect) -> Self {
        match test {
            Ok(test) => Self::by(vec![effect(&test)]),
            Err(reason) => Self::bare(Outcome::NotTested, reason.to_string()),
        }
    }

    /// Without effects.
    pub(super) fn bare(outcome: Outcome, note: impl Into<String>) -> Self {
        Self { outcome, effects: Vec::new(), notes: vec![note.into()] }
    }

    /// Of a source that has nothing of the kind.
    pub(super) fn none() -> Self {
        Self { outcome: Outcome::NotTested, effects: Vec::new(), notes: Vec::new() }
    }

    /// With one more thing to be said, if there is one.
    pub(super) fn and(mut self, note: String) -> Self {
        self.notes.extend(Some(note).filter(|note| !note.is_empty()));
        self
    }

    /// The effects and what is to be said beside them, in words.
    pub fn evidence(&self) -> String {
        let is_one_of_many = self.effects.len() > 1;
        let effect = |effect: &Effect| match is_one_of_many {
            true => format!("{} ({})", effect.said(), effect.outcome()),
            false => effect.said(),
        };
        self.effects.iter().map(effect).chain(self.notes.iter().cloned()).collect::<Vec<_>>().join("; ")
    }
}

/// "2 trials diverged and are left out", or nothing.
pub(super) fn left_out(diverged: usize) -> String {
    match diverged {
        0 => String::new(),
        1 => "1 trial diverged and is left out".into(),
        count => format!("{count} trials diverged and are left out"),
    }
}

/// "2 measures failed and are left out", or nothing.
pub(super) fn failed(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => "1 measure failed and is left out".into(),
        count => format!("{count} measures failed and are left out"),
    }
}

/// "3 of 10 unreliable", or nothing.
pub(super) fn unreliable(doubtful: usize, of: usize) -> String {
    if doubtful == 0 { String::new() } else { format!("{doubtful} of {of} unreliable") }
}

crate::display::shown_as_text!(Finding);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_judged_together() {
        use Outcome::{Fails, Holds, Mixed, NotTested, Undecided};
        let together = |outcomes: &[Outcome]| Outcome::together(outcomes.iter().copied());
        assert_eq!(together(&[]), NotTested);
        assert_eq!(together(&[Holds, Holds]), Holds);
        assert_eq!(together(&[Holds, Undecided]), Undecided);
        assert_eq!(together(&[Fails, Undecided]), Fails);
        assert_eq!(together(&[Fails, Holds, Undecided]), Mixed);
    }

    #[test]
    fn one_box_refutes_a_claim_about_every_box() {
        let [above, below, about] =
            [[5.0, 2.0, 9.0], [0.5, 0.2, 0.9], [1.0, 0.5, 2.0]].map(|one| Effect::times(one, None));
        let outcome =
            |effects: &[&Effect]| Finding::by(effects.iter().map(|one| (*one).clone()).collect()).everywhere().outcome;
        assert_eq!(outcome(&[&above, &below]), Outcome::Fails);
        assert_eq!(outcome(&[&above, &about]), Outcome::Undecided);
        assert_eq!(outcome(&[&above]), Outcome::Holds);
    }
}
