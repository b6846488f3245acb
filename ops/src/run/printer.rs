//! What a run says: data on stdout, talk on stderr. On a terminal with colour and spinners, elsewhere in plain lines.

use std::{
    env,
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use console::{Style, StyledObject};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::mask::Mask;

/// How often a spinner turns.
const TICK: Duration = Duration::from_millis(100);

/// How something went, and how it is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// As it should.
    Good,
    /// Worth a look.
    Warning,
    /// Not as it should.
    Bad,
    /// Not done, or not important.
    Dim,
}

impl Mark {
    /// Two characters that say the same without colour.
    pub fn word(self) -> &'static str {
        match self {
            Mark::Good => "ok",
            Mark::Warning => "!!",
            Mark::Bad => "no",
            Mark::Dim => "--",
        }
    }
}

/// The two outputs of a run.
#[derive(Debug)]
pub struct Printer {
    json: bool,
    colour: Colour,
    spinners: MultiProgress,
    live: bool,
    mask: Mask,
}

#[derive(Clone, Copy, Debug)]
struct Colour {
    stdout: bool,
    stderr: bool,
}

impl Printer {
    /// Colour is used on a terminal, unless `NO_COLOR` is set (<https://no-color.org>) or the terminal is dumb.
    pub fn new(json: bool, mask: Mask) -> Printer {
        let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        let moves = set("TERM").is_none_or(|terminal| terminal != "dumb");
        let able = moves && set("NO_COLOR").is_none();
        let colour =
            Colour { stdout: able && io::stdout().is_terminal(), stderr: able && io::stderr().is_terminal() };
        let live = moves && io::stderr().is_terminal();
        let target = if live { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Printer { json, colour, spinners: MultiProgress::with_draw_target(target), live, mask }
    }

    /// Whether stdout is for a program: then it gets JSON and nothing else.
    pub fn json(&self) -> bool {
        self.json
    }

    /// Data, on stdout. A reader who has seen enough is no error.
    pub fn data(&self, text: &str) {
        let text = self.mask.apply(text);
        self.spinners.suspend(|| {
            let _ = writeln!(io::stdout().lock(), "{text}");
        });
    }

    /// A line of talk, on stderr.
    pub fn say(&self, line: &str) {
        let line = self.mask.apply(line);
        self.spinners.suspend(|| {
            let _ = writeln!(io::stderr().lock(), "{line}");
        });
    }

    /// Something a person should look at, while the run goes on.
    pub fn warn(&self, line: &str) {
        self.say(&format!("{} {line}", self.for_stderr("warning:", Mark::Warning)));
    }

    /// A word of data in its colour.
    pub fn for_stdout<'a>(&self, word: &'a str, mark: Mark) -> StyledObject<&'a str> {
        style(mark).force_styling(self.colour.stdout).apply_to(word)
    }

    /// A word of talk in its colour.
    pub fn for_stderr<'a>(&self, word: &'a str, mark: Mark) -> StyledObject<&'a str> {
        style(mark).force_styling(self.colour.stderr).apply_to(word)
    }

    /// Begins something that may take long: a spinner with the elapsed time on a terminal, else a line.
    pub fn step(&self, what: &str) -> Step<'_> {
        if !self.live {
            self.say(&format!("  .. {what}"));
        }
        self.quiet_step(what)
    }

    /// As [`Printer::step`], but silent where there is no terminal.
    pub fn quiet_step(&self, what: &str) -> Step<'_> {
        let spinner = self.live.then(|| {
            let spinner = self.spinners.add(ProgressBar::new_spinner());
            if let Ok(form) = ProgressStyle::with_template("  {spinner} {msg} {elapsed}") {
                spinner.set_style(form);
            }
            spinner.set_message(self.mask.apply(what));
            spinner.enable_steady_tick(TICK);
            spinner
        });
        Step { printer: self, what: what.to_owned(), begun: Instant::now(), spinner }
    }
}

fn style(mark: Mark) -> Style {
    match mark {
        Mark::Good => Style::new().green(),
        Mark::Warning => Style::new().yellow(),
        Mark::Bad => Style::new().red().bold(),
        Mark::Dim => Style::new().dim(),
    }
}

/// Something that is going on. Dropped without a result, it leaves no line.
#[derive(Debug)]
pub struct Step<'a> {
    printer: &'a Printer,
    what: String,
    begun: Instant,
    spinner: Option<ProgressBar>,
}

impl Step<'_> {
    /// Says what it is doing now: on a terminal beside the spinner, elsewhere not at all.
    pub fn now(&self, doing: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.set_message(self.printer.mask.apply(&format!("{}: {doing}", self.what)));
        }
    }

    /// Ends it with its mark, the time it took and, when there is something to add, a note.
    pub fn end(self, mark: Mark, note: &str) -> Duration {
        let took = self.begun.elapsed();
        let word = mark.word();
        let colon = if note.is_empty() { "" } else { ": " };
        let word = self.printer.for_stderr(word, mark);
        let line = format!("  {word} {}{colon}{note} ({:.1} s)", self.what, took.as_secs_f64());
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
        self.printer.say(&line);
        took
    }
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}
