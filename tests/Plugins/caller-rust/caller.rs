//! caller-rust: what `tests/Plugins/caller` does in C, for the same tests.

use bimetal::{
    enter, foreign_call, http_call, metric_define, metric_increment, plugin, queue_open, queue_pop, queue_push, tick_every, Action, Direction, Map, MetricKind,
    Plugin, Request, Response, Status, Stream, StreamId,
};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Mutex;

struct Caller {
    queue: u32,
    items: u32,
    ticks: AtomicU32,
    waiting: Mutex<Option<StreamId>>,
}

#[derive(Default)]
struct Visit {
    call: u32,
}

fn request<'a>(upstream: &'a str, fields: &'a [(&'a str, &'a [u8])], trailers: &'a [(&'a str, &'a [u8])]) -> Request<'a> {
    Request { upstream, fields, body: b"body", trailers, timeout_ms: 500 }
}

const FIELDS: &[(&str, &[u8])] = &[(":method", b"POST"), (":path", b"/k"), (":authority", b"h")];
const TRAILERS: &[(&str, &[u8])] = &[("x-end", b"1")];

fn number(stream: &Stream, status: u32, number: i32) -> Action {
    let _ = stream.respond(status, &[], number.to_string().as_bytes());
    Action::Pause
}

fn status_of<T>(result: Result<T, Status>) -> i32 {
    result.map_or_else(|status| status.0, |_| 0)
}

impl Plugin for Caller {
    type State = Visit;

    fn configure(configuration: &[u8]) -> Result<Self, String> {
        let queue = queue_open("items").map_err(|_| "no queue")?;
        let items = metric_define(MetricKind::Counter, "items").map_err(|_| "no metric")?;
        if configuration == b"own" {
            tick_every(100).map_err(|_| "no ticks")?;
        }
        Ok(Caller { queue, items, ticks: AtomicU32::new(0), waiting: Mutex::new(None) })
    }

    fn request_headers(&self, stream: &Stream, visit: &mut Visit, _: bool) -> Action {
        let what = match stream.header(Map::RequestHeaders, "x-do") {
            Some(what) => what,
            None => return Action::Continue,
        };
        match &what[..] {
            b"call" | b"change" => match stream.http_call(&request("keys", FIELDS, TRAILERS)) {
                Ok(call) => {
                    visit.call = call;
                    Action::Pause
                }
                Err(status) => number(stream, 500, status.0),
            },
            b"nobody" => number(stream, 200, status_of(stream.http_call(&request("nobody", FIELDS, TRAILERS)))),
            b"wait" => {
                *self.waiting.lock().unwrap() = Some(stream.id());
                Action::Pause
            }
            b"enter" => number(stream, 200, status_of(enter(stream.id(), |_| ()))),
            b"close" => {
                let _ = stream.close();
                Action::Pause
            }
            b"push" => number(stream, 200, status_of(queue_push(self.queue, b"one"))),
            b"compress" => {
                let text = b"the same the same the same the same";
                let plain = foreign_call("compress", text).and_then(|packed| foreign_call("uncompress", &packed));
                let status = if plain.as_deref() == Ok(&text[..]) { 200 } else { 501 };
                number(stream, status, status_of(foreign_call("nothing", text)))
            }
            b"property" => {
                let reserved = status_of(stream.set_property(&["request", "path"], b"/"));
                let is_set = stream.set_property(&["mine", "a"], b"value").is_ok() && stream.property(&["mine", "a"]).as_deref() == Some(&b"value"[..]);
                number(stream, if is_set { 200 } else { 501 }, reserved)
            }
            _ => Action::Continue,
        }
    }

    fn tick(&self) {
        if self.ticks.fetch_add(1, Ordering::Relaxed) == 0 {
            let _ = http_call(&request("keys", FIELDS, TRAILERS));
        }
    }

    fn queue_ready(&self, queue: u32) {
        if queue_pop(queue, 8).as_deref() == Ok(&b"one"[..]) {
            let _ = metric_increment(self.items, 1);
        }
    }

    fn own_http_response(&self, _: u32, response: Option<Response>) {
        let waiting = *self.waiting.lock().unwrap();
        if let Some(stream) = waiting {
            let _ = enter(stream, |stream| {
                let _ = stream.set_header(Map::RequestHeaders, "x-own", response.map_or(b"none".to_vec(), |response| response.body));
                let _ = stream.resume(Direction::Request);
            });
        }
    }

    fn http_response(&self, stream: &Stream, visit: &mut Visit, call: u32, response: Option<Response>) {
        if call != visit.call {
            number(stream, 500, call as i32);
            return;
        }
        match response {
            None => {
                number(stream, 503, 1);
            }
            Some(response) if stream.header(Map::RequestHeaders, "x-do").as_deref() == Some(b"change") => {
                let _ = stream.set_header(Map::RequestHeaders, "x-key", &response.body[4..]);
                let _ = stream.resume(Direction::Request);
            }
            Some(response) => {
                let end = response.trailers.iter().find(|field| field.0 == b"t").map_or(&b"none"[..], |field| &field.1);
                let _ = stream.respond(response.status + 1, &[("x-end", end)], &response.body);
            }
        }
    }
}

plugin!(Caller: request_headers, http_response, tick, queue_ready);
