//! keeper-rust: what `tests/Plugins/keeper` does in C, for the same tests.

use bimetal::{finish, metric_define, metric_increment, plugin, tick_every, Action, Map, MetricKind, Plugin, Status, Stream, StreamId};
use std::sync::Mutex;

static VM: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Keeper {
    kept: Mutex<Vec<StreamId>>,
    ended: u32,
    late: u32,
    done: u32,
    again: u32,
}

/// Rust has no handler for the end of a stream: its state is dropped then.
#[derive(Default)]
struct Visit {
    is_kept: bool,
    ended: Option<u32>,
}

impl Drop for Visit {
    fn drop(&mut self) {
        if let Some(metric) = self.ended {
            let _ = metric_increment(metric, 1);
        }
    }
}

impl Plugin for Keeper {
    type State = Visit;

    fn start(vm_configuration: &[u8]) -> Result<(), String> {
        if vm_configuration == b"refuse" {
            return Err("refused".to_string());
        }
        *VM.lock().unwrap() = vm_configuration.to_vec();
        Ok(())
    }

    fn configure(configuration: &[u8]) -> Result<Self, String> {
        if !configuration.is_empty() {
            tick_every(10).map_err(|_| "no ticks")?;
        }
        let counter = |name| metric_define(MetricKind::Counter, name).map_err(|_| "no metric".to_string());
        Ok(Keeper { kept: Mutex::new(Vec::new()), ended: counter("ended")?, late: counter("late")?, done: counter("done")?, again: counter("again")? })
    }

    fn request_headers(&self, stream: &Stream, visit: &mut Visit, _: bool) -> Action {
        visit.ended = Some(self.ended);
        match stream.header(Map::RequestHeaders, "x-do").as_deref() {
            Some(b"keep") => visit.is_kept = true,
            Some(b"vm") => {
                let _ = stream.respond(200, &[], &VM.lock().unwrap());
                return Action::Pause;
            }
            _ => (),
        }
        Action::Continue
    }

    fn done(&self, stream: &Stream, visit: &mut Visit) -> bool {
        if visit.is_kept {
            self.kept.lock().unwrap().push(stream.id());
        }
        !visit.is_kept
    }

    fn log(&self, stream: &Stream, visit: &mut Visit) {
        if visit.is_kept && stream.header(Map::RequestHeaders, "x-do").as_deref() == Some(b"keep") {
            let _ = metric_increment(self.late, 1);
        }
    }

    fn tick(&self) {
        let kept = std::mem::take(&mut *self.kept.lock().unwrap());
        for stream in kept {
            if finish(stream).is_ok() {
                let _ = metric_increment(self.done, 1);
            }
            if finish(stream) == Err(Status::NOT_FOUND) {
                let _ = metric_increment(self.again, 1);
            }
        }
    }
}

plugin!(Keeper: start, request_headers, done, log, tick);
