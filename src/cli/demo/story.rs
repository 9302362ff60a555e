//! [`Story`]: what is told, step by step, and what was counted on the way. How it looks is `telling`'s affair.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::interval;

use super::enter;
use super::failure::Failure;
use super::telling::{Mark, Telling, span};

/// The story as it goes.
pub(super) struct Story {
    telling: Telling,
    pause: bool,
    began: Instant,
    chapter: Option<Chapter>,
    /// What is being done, for the one who has to tell that it failed.
    doing: Option<(String, Instant)>,
    live: Live,
    tally: Tally,
}

/// What a piece of work says of itself while it goes on.
pub(super) type Live = Rc<RefCell<String>>;

/// A part of the story.
struct Chapter {
    number: usize,
    title: &'static str,
    began: Instant,
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    steps: u32,
    accepted: u64,
    refused: u32,
}

/// What somebody answered: a status, and the stable id of the reason where it is a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) status: Option<u16>,
    pub(super) reason: String,
}

/// How often the live line turns.
const TURN: Duration = Duration::from_millis(80);

impl Story {
    pub(super) fn new(telling: Telling, pause: bool) -> Self {
        Self {
            telling,
            pause,
            began: Instant::now(),
            chapter: None,
            doing: None,
            live: Live::default(),
            tally: Tally::default(),
        }
    }

    /// What there is before the first chapter.
    pub(super) fn opening(&self, title: &str, about: &str, facts: &Value) {
        self.telling.heading(None, title, about);
        self.telling.event("start", facts);
    }

    /// The next chapter; the one before is over.
    pub(super) async fn chapter(&mut self, number: usize, title: &'static str, about: &str) {
        self.close();
        if self.pause {
            self.telling.ask(&format!("Enter for step {number}: {title}"));
            enter::pressed().await;
            self.telling.asked();
        }
        self.telling.heading(Some(number), title, about);
        self.telling.event("begin", &json!({"step": number, "title": title, "about": about}));
        self.chapter = Some(Chapter { number, title, began: Instant::now() });
    }

    /// The chapter that nobody waits for.
    pub(super) fn last_chapter(&mut self, number: usize, title: &'static str) {
        self.close();
        self.telling.heading(Some(number), title, "");
        self.telling.event("begin", &json!({"step": number, "title": title}));
        self.chapter = Some(Chapter { number, title, began: Instant::now() });
    }

    /// What comes when the story is told.
    pub(super) fn close_with(&self, title: &str, about: &str) {
        self.telling.heading(None, title, about);
    }

    /// The chapter is over.
    pub(super) fn close(&mut self) {
        if let Some(Chapter { number, title, began }) = self.chapter.take() {
            self.telling.event("done", &json!({"step": number, "title": title, "ms": millis(began.elapsed())}));
        }
    }

    /// A command that is about to be run.
    pub(super) fn command(&self, place: &str, line: &str) {
        self.telling.command(place, line);
        self.telling.event("command", &json!({"step": self.number(), "directory": place, "command": line}));
    }

    /// A process that runs from now on.
    pub(super) fn process(&self, name: &str, pid: u32) {
        self.telling.event("process", &json!({"step": self.number(), "name": name, "pid": pid}));
    }

    /// Does something and tells what came of it.
    pub(super) async fn step<T>(
        &mut self,
        doing: &str,
        work: impl Future<Output = Result<T, Failure>>,
        told: impl FnOnce(&T) -> String,
    ) -> Result<T, Failure> {
        let (done, took) = self.watched(doing, work).await?;
        self.told(&told(&done), took);
        Ok(done)
    }

    /// Tries what must be refused, with this status and for this reason; anything else ends the story.
    pub(super) async fn refusal(
        &mut self,
        what: &str,
        (status, reason): (Option<u16>, &str),
        work: impl Future<Output = Result<Verdict, Failure>>,
    ) -> Result<(), Failure> {
        let (seen, took) = self.watched(what, work).await?;
        let wanted = Verdict { status, reason: reason.to_owned() };
        let as_expected = seen == wanted;
        let event = json!({
            "step": self.number(), "what": what, "as_expected": as_expected, "ms": millis(took),
            "status": seen.status, "reason": seen.reason, "expected": {"status": status, "reason": reason},
        });
        self.telling.event("refusal", &event);
        if !as_expected {
            self.doing = Some((what.to_owned(), Instant::now()));
            return Err(Failure::unexpected("the wrong answer", wanted, seen));
        }
        self.tally.refused += 1;
        let status = status.map_or_else(|| "set".to_owned(), |status| status.to_string());
        self.telling.verdict(what, (&status, reason), false, took);
        Ok(())
    }

    /// Calls, and must be taken for whom the caller is, with this status; anything else ends the story.
    pub(super) async fn acceptance(
        &mut self,
        what: &str,
        (status, who): (u16, &str),
        work: impl Future<Output = Result<(Verdict, String), Failure>>,
    ) -> Result<(), Failure> {
        let ((verdict, seen), took) = self.watched(what, work).await?;
        if verdict.status != Some(status) || seen != who {
            self.doing = Some((what.to_owned(), Instant::now()));
            return Err(Failure::unexpected(
                "the wrong answer",
                format!("{status} {who}"),
                format!("{verdict} {seen}"),
            ));
        }
        self.accepted(1);
        self.telling.verdict(what, (&status.to_string(), who), true, took);
        let event = json!({"step": self.number(), "what": what, "status": status, "caller": who, "ms": millis(took)});
        self.telling.event("accepted", &event);
        Ok(())
    }

    /// Something that is done already.
    pub(super) fn told(&mut self, text: &str, took: Duration) {
        self.tally.steps += 1;
        self.telling.done(Mark::Good, text, took);
        self.telling.event("step", &json!({"step": self.number(), "what": text, "ok": true, "ms": millis(took)}));
    }

    /// So many calls were accepted.
    pub(super) fn accepted(&mut self, count: u64) {
        self.tally.accepted += count;
    }

    /// More about the step that was just told.
    pub(super) fn note(&self, text: &str) {
        self.telling.note(text);
        self.telling.event("note", &json!({"step": self.number(), "text": text}));
    }

    /// Text to copy.
    pub(super) fn verbatim(&self, text: &str) {
        self.telling.verbatim(text);
    }

    /// An event that only programs hear of.
    pub(super) fn event(&self, event: &str, what: &Value) {
        self.telling.event(event, what);
    }

    /// Where a piece of work says how far it is.
    pub(super) fn live(&self) -> Live {
        Rc::clone(&self.live)
    }

    async fn watched<T>(
        &mut self,
        doing: &str,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<(T, Duration), Failure> {
        let began = Instant::now();
        self.doing = Some((doing.to_owned(), began));
        self.live.borrow_mut().clear();
        let (telling, live) = (self.telling.clone(), self.live());
        let turning = async {
            let mut turns = interval(TURN);
            for turn in 0.. {
                turns.tick().await;
                let said = live.borrow().clone();
                telling.live(turn, if said.is_empty() { doing } else { &said });
            }
            std::future::pending().await
        };
        let done = tokio::select! {
            done = work => done?,
            never = turning => never,
        };
        self.doing = None;
        Ok((done, began.elapsed()))
    }

    /// It ends here.
    pub(super) fn failed(&mut self, failure: &Failure) {
        if let Some((doing, began)) = self.doing.take() {
            self.telling.done(Mark::Bad, &doing, began.elapsed());
        }
        let Failure { what, expected, log } = failure;
        self.telling.loud(Mark::Bad, what);
        if let Some((expected, seen)) = expected {
            self.telling.loud(Mark::Bad, &format!("expected {expected}, seen {seen}"));
        }
        if let Some((name, lines)) = log {
            self.telling.note(&format!("the end of the log of {name}:"));
            for line in lines {
                self.telling.note(line);
            }
        }
        let event = json!({
            "step": self.number(), "what": what,
            "expected": expected.as_ref().map(|(expected, _)| expected), "seen": expected.as_ref().map(|(_, seen)| seen),
            "log": log.as_ref().map(|(name, lines)| json!({"of": name, "end": lines})),
        });
        self.telling.event("failure", &event);
    }

    /// Somebody ended it.
    pub(super) fn interrupted(&self, by: &str) {
        self.telling.loud(Mark::Bad, &format!("stopped by {by}"));
        self.telling.event("interrupted", &json!({"step": self.number(), "by": by}));
    }

    /// The last words.
    pub(super) fn summary(&mut self, good: bool, place: &str, kept: bool) {
        self.close();
        let (Tally { steps, accepted, refused }, took) = (self.tally, self.began.elapsed());
        if good {
            let took = span(took);
            let text =
                format!("{accepted} calls accepted, {refused} attacks refused, every answer as expected, in {took}");
            self.telling.loud(Mark::Good, &text);
        } else {
            let left = if kept { format!("{place} stays") } else { "nothing is left behind".to_owned() };
            self.telling.note(&format!("everything is stopped; {left}"));
        }
        let event = json!({
            "ok": good, "steps": steps, "accepted": accepted, "refused": refused, "ms": millis(took),
            "directory": place, "kept": kept,
        });
        self.telling.event("summary", &event);
    }

    fn number(&self) -> Option<usize> {
        self.chapter.as_ref().map(|chapter| chapter.number)
    }
}

impl Verdict {
    pub(super) fn new(status: u16, reason: impl Into<String>) -> Self {
        Self { status: Some(status), reason: reason.into() }
    }

    /// Where nobody speaks HTTP.
    pub(super) fn without_status(reason: impl Into<String>) -> Self {
        Self { status: None, reason: reason.into() }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.status {
            Some(status) => write!(f, "{status} {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

fn millis(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn refused_with(seen: Verdict) -> Result<(), Failure> {
        let mut story = Story::new(Telling::fitting(true), false);
        story.refusal("a stolen token", (Some(401), "holder_mismatch"), async { Ok(seen) }).await
    }

    #[tokio::test]
    async fn an_attack_that_is_refused_for_another_reason_or_not_at_all_ends_the_story() {
        assert_eq!(refused_with(Verdict::new(401, "holder_mismatch")).await, Ok(()));
        for seen in [Verdict::new(401, "bad_signature"), Verdict::new(403, "holder_mismatch"), Verdict::new(200, "")] {
            let told = seen.to_string();
            let failure = refused_with(seen).await.unwrap_err();
            assert_eq!(failure.expected, Some(("401 holder_mismatch".to_owned(), told)));
        }
    }

    #[tokio::test]
    async fn a_caller_who_is_taken_for_somebody_else_ends_the_story() {
        let mut story = Story::new(Telling::fitting(true), false);
        let work = async { Ok((Verdict::new(200, ""), "inspector5".to_owned())) };
        let failure = story.acceptance("GET", (200, "validator37"), work).await.unwrap_err();
        assert_eq!(failure.expected.unwrap().0, "200 validator37");
    }
}
