//! Write a plugin once in Rust, build it for both metals: a native shared object (through bimetal.h) and a proxy-wasm 0.2.1 module.
//!
//! ```ignore
//! use bimetal::{plugin, Action, Map, Plugin, Stream};
//!
//! struct Tag(Vec<u8>);
//!
//! impl Plugin for Tag {
//!     type State = ();
//!     fn configure(configuration: &[u8]) -> Result<Self, String> {
//!         Ok(Tag(configuration.to_vec()))
//!     }
//!     fn request_headers(&self, stream: &Stream, _state: &mut (), _end_of_stream: bool) -> Action {
//!         let _ = stream.set_header(Map::RequestHeaders, "x-tag", &self.0);
//!         Action::Continue
//!     }
//! }
//! plugin!(Tag: request_headers);
//! ```
//!
//! The macro names the handlers that the plugin has: the gateway never calls the others, and does not hold bodies back for them.
//!
//! On the native metal handlers of different streams run at the same time on many threads, which is why the plugin is `Sync` and its
//! handlers get `&self`. What a host function gives is the plugin's own: nothing is borrowed from the gateway. A panic ends the instance on
//! wasm, and **the whole gateway** on native.

#[cfg(not(target_family = "wasm"))]
#[doc(hidden)]
pub mod native;
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod wasm;

#[cfg(not(target_family = "wasm"))]
use native as target;
#[cfg(target_family = "wasm")]
use wasm as target;

/// What a handler wants done with what it was shown: pass it on, or hold it. A held direction goes on when a later handler of it returns
/// `Continue`, or by [`Stream::resume`]; return `Pause` after [`Stream::respond`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i32)]
pub enum Action {
    Continue = 0,
    Pause = 1,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Map {
    RequestHeaders = 0,
    RequestTrailers = 1,
    ResponseHeaders = 2,
    ResponseTrailers = 3,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Body {
    Request = 0,
    Response = 1,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Direction {
    Request = 0,
    Response = 1,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Level {
    Trace = 0,
    Debug = 1,
    Info = 2,
    Warn = 3,
    Error = 4,
    Critical = 5,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum MetricKind {
    Counter = 0,
    Gauge = 1,
    Histogram = 2,
}

/// An HTTP request that the plugin makes itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// The name of an upstream of the gateway's configuration.
    pub upstream: &'a str,
    /// With ":method", ":path" and ":authority".
    pub fields: &'a [(&'a str, &'a [u8])],
    pub body: &'a [u8],
    pub trailers: &'a [(&'a str, &'a [u8])],
    /// For the whole exchange; 0 and more than 60 s mean 60 s.
    pub timeout_ms: u32,
}

/// The whole answer to a [`Request`].
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u32,
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
    pub body: Vec<u8>,
    pub trailers: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Response {
    pub(crate) fn new(fields: Vec<(Vec<u8>, Vec<u8>)>, body: Vec<u8>, trailers: Vec<(Vec<u8>, Vec<u8>)>) -> Option<Response> {
        let text = fields.iter().find(|field| field.0 == b":status").map(|field| String::from_utf8_lossy(&field.1).into_owned());
        let status = text.and_then(|text| text.parse().ok())?;
        Some(Response { status, fields, body, trailers })
    }

    /// The first value of a field.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.fields.iter().find(|field| field.0 == name.as_bytes()).map(|field| &field.1[..])
    }
}

/// Why a host function did not do it: the numbers of bimetal.h and proxy-wasm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status(pub i32);

impl Status {
    pub const NOT_FOUND: Status = Status(1);
    pub const BAD_ARGUMENT: Status = Status(2);
    pub const EMPTY: Status = Status(7);
    pub const CAS_MISMATCH: Status = Status(8);
    pub const INTERNAL: Status = Status(10);

    pub(crate) fn check(code: i32) -> Result<(), Status> {
        if code == 0 {
            Ok(())
        } else {
            Err(Status(code))
        }
    }
}

/// A plugin. One value for each configured plugin: `configure` makes it, all streams share it.
pub trait Plugin: Sized + Send + Sync + 'static {
    /// What one stream remembers from handler to handler; `()` when nothing.
    type State: Default + Send;

    /// Before `configure`, with the configuration's `vm_config`; an error refuses it and is logged.
    fn start(_vm_configuration: &[u8]) -> Result<(), String> {
        Ok(())
    }

    /// Reads the configuration; an error refuses it and is logged.
    fn configure(configuration: &[u8]) -> Result<Self, String>;

    fn request_headers(&self, _stream: &Stream, _state: &mut Self::State, _end_of_stream: bool) -> Action {
        Action::Continue
    }
    /// `length` counts the new chunk and everything that was held back before it.
    fn request_body(&self, _stream: &Stream, _state: &mut Self::State, _length: usize, _end_of_stream: bool) -> Action {
        Action::Continue
    }
    fn request_trailers(&self, _stream: &Stream, _state: &mut Self::State) -> Action {
        Action::Continue
    }
    fn response_headers(&self, _stream: &Stream, _state: &mut Self::State, _end_of_stream: bool) -> Action {
        Action::Continue
    }
    fn response_body(&self, _stream: &Stream, _state: &mut Self::State, _length: usize, _end_of_stream: bool) -> Action {
        Action::Continue
    }
    fn response_trailers(&self, _stream: &Stream, _state: &mut Self::State) -> Action {
        Action::Continue
    }
    /// The exchange is over and nobody waits for it: false keeps the stream until [`finish`], which `log` then follows. On wasm with
    /// `instance: per-request` it ends at once all the same.
    fn done(&self, _stream: &Stream, _state: &mut Self::State) -> bool {
        true
    }
    /// The exchange is over: read, change nothing.
    fn log(&self, _stream: &Stream, _state: &mut Self::State) {}
    /// The answer to a call of [`Stream::http_call`]; `None`: no whole answer came. What the stream holds can be changed, continued, answered.
    fn http_response(&self, _stream: &Stream, _state: &mut Self::State, _call: u32, _response: Option<Response>) {}
    /// The answer to a call of [`http_call`]. Named in `plugin!` by `http_response`.
    fn own_http_response(&self, _call: u32, _response: Option<Response>) {}
    /// After [`tick_every`]. On native it runs beside the streams' handlers.
    fn tick(&self) {}
    /// Once for each item that comes into a queue of [`queue_open`].
    fn queue_ready(&self, _queue: u32) {}
}

/// One exchange, while a handler of it runs.
pub struct Stream(pub(crate) target::Handle);

/// What [`enter`] finds a stream by, later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StreamId(pub(crate) target::Handle);

impl Stream {
    /// The first value of a field. Names are lower case.
    pub fn header(&self, map: Map, name: &str) -> Option<Vec<u8>> {
        target::header(self.0, map, name.as_bytes())
    }

    /// All fields, in order of arrival.
    pub fn headers(&self, map: Map) -> Vec<(Vec<u8>, Vec<u8>)> {
        target::headers(self.0, map)
    }

    /// Gives a field this one value, whether it was there once, many times or not at all.
    pub fn set_header(&self, map: Map, name: &str, value: impl AsRef<[u8]>) -> Result<(), Status> {
        Status::check(target::set_header(self.0, map, name.as_bytes(), value.as_ref()))
    }

    /// Appends a field, whatever is there already.
    pub fn add_header(&self, map: Map, name: &str, value: impl AsRef<[u8]>) -> Result<(), Status> {
        Status::check(target::add_header(self.0, map, name.as_bytes(), value.as_ref()))
    }

    /// Removes every occurrence; no error when there was none.
    pub fn remove_header(&self, map: Map, name: &str) -> Result<(), Status> {
        Status::check(target::remove_header(self.0, map, name.as_bytes()))
    }

    /// Up to `max_length` bytes from `start` of what the body handler holds; `None` outside of it.
    pub fn body(&self, body: Body, start: usize, max_length: usize) -> Option<Vec<u8>> {
        target::body(self.0, body, start, max_length)
    }

    /// Replaces `length` bytes from `start`, both clamped to the content: (0, 0) prepends, (usize::MAX, 0) appends, (0, usize::MAX)
    /// replaces everything.
    pub fn replace_body(&self, body: Body, start: usize, length: usize, bytes: &[u8]) -> Result<(), Status> {
        Status::check(target::replace_body(self.0, body, start, length, bytes))
    }

    /// Answers instead of the upstream. The first answer counts. Return [`Action::Pause`] after it.
    pub fn respond(&self, status: u32, fields: &[(&str, &[u8])], body: &[u8]) -> Result<(), Status> {
        Status::check(target::respond(self.0, status, fields, body))
    }

    /// Continues a held direction from a handler of the other one.
    pub fn resume(&self, direction: Direction) -> Result<(), Status> {
        Status::check(target::resume(self.0, direction))
    }

    /// Breaks the exchange off without an answer. Return [`Action::Pause`] after it.
    pub fn close(&self) -> Result<(), Status> {
        Status::check(target::close(self.0))
    }

    pub fn id(&self) -> StreamId {
        StreamId(self.0)
    }

    /// Sends a request and returns its number at once; the answer comes to `http_response`, and never if the stream ends before. To wait for
    /// it return [`Action::Pause`].
    pub fn http_call(&self, request: &Request) -> Result<u32, Status> {
        target::http_call(Some(self.0), request)
    }

    /// Sets a property of the exchange, for the plugins after this one.
    pub fn set_property(&self, path: &[&str], value: &[u8]) -> Result<(), Status> {
        Status::check(target::set_property(self.0, path.join("\0").as_bytes(), value))
    }

    /// A property by its path, as in proxy-wasm: `&["request", "path"]`. Integers are 8 bytes in little-endian order.
    pub fn property(&self, path: &[&str]) -> Option<Vec<u8>> {
        target::property(self.0, path.join("\0").as_bytes())
    }
}

/// Writes one message to the gateway's log.
pub fn log(level: Level, message: &str) {
    target::log_bytes(level, message.as_bytes())
}

/// Nanoseconds since 1970-01-01T00:00:00Z. (`std::time` has no clock on wasm.)
pub fn now() -> u64 {
    target::now()
}

/// Shared data: values by key that outlive streams and that all instances of the plugin see. The number is for [`shared_set`].
pub fn shared_get(key: &[u8]) -> Option<(Vec<u8>, u32)> {
    target::shared_get(key)
}

/// Sets a value; with a `cas` other than 0 only if nobody has set it since it was read, otherwise [`Status::CAS_MISMATCH`].
pub fn shared_set(key: &[u8], value: &[u8], cas: u32) -> Result<(), Status> {
    Status::check(target::shared_set(key, value, cas))
}

/// Sends a request of the plugin's own, from `configure`, `tick`, `queue_ready` or `own_http_response`, which gets the answer.
pub fn http_call(request: &Request) -> Result<u32, Status> {
    target::http_call(None, request)
}

/// From `tick`, `queue_ready` or `own_http_response`: access to what a stream holds. An error: it has ended, or on wasm it is in another instance.
pub fn enter<R>(stream: StreamId, act: impl FnOnce(&Stream) -> R) -> Result<R, Status> {
    Status::check(target::enter(stream.0))?;
    let result = act(&Stream(stream.0));
    target::leave(stream.0);
    Ok(result)
}

/// From `tick`, `queue_ready` or `own_http_response`, outside of [`enter`]: ends a stream that `done` has kept. An error: it was not kept, was ended
/// already, or on wasm it is in another instance.
pub fn finish(stream: StreamId) -> Result<(), Status> {
    Status::check(target::finish(stream.0))
}

/// Calls a function of the host by name: "compress", "uncompress".
pub fn foreign_call(name: &str, argument: &[u8]) -> Result<Vec<u8>, Status> {
    target::foreign_call(name.as_bytes(), argument)
}

/// Has `tick` called so often; 0 stops it.
pub fn tick_every(period_ms: u32) -> Result<(), Status> {
    Status::check(target::tick_every(period_ms))
}

/// A metric that the gateway exports; the same name gives the same number again.
pub fn metric_define(kind: MetricKind, name: &str) -> Result<u32, Status> {
    target::metric_define(kind as u32, name.as_bytes())
}

/// Changes a counter, which only goes up, or a gauge.
pub fn metric_increment(metric: u32, offset: i64) -> Result<(), Status> {
    Status::check(target::metric_increment(metric, offset))
}

/// Sets a counter or a gauge; adds a value to a histogram.
pub fn metric_record(metric: u32, value: u64) -> Result<(), Status> {
    Status::check(target::metric_record(metric, value))
}

/// Reads a counter or a gauge.
pub fn metric_get(metric: u32) -> Result<u64, Status> {
    target::metric_get(metric)
}

/// A queue by its name, of all instances of the plugin together.
pub fn queue_open(name: &str) -> Result<u32, Status> {
    target::queue_open(name.as_bytes())
}

pub fn queue_push(queue: u32, item: &[u8]) -> Result<(), Status> {
    Status::check(target::queue_push(queue, item))
}

/// Takes the first item off; what is longer than `capacity` is cut.
pub fn queue_pop(queue: u32, capacity: usize) -> Result<Vec<u8>, Status> {
    target::queue_pop(queue, capacity)
}

/// Makes a plugin of a type: `plugin!(Tag: request_headers, log);` names the handlers that it has.
#[macro_export]
macro_rules! plugin {
    ($plugin:ty : $($handler:ident),+ $(,)?) => {
        #[cfg(not(target_family = "wasm"))]
        #[no_mangle]
        pub unsafe extern "C" fn bimetal_plugin_init(host: *const $crate::native::Host, plugin: *mut $crate::native::Table) -> i32 {
            $crate::native::init::<$plugin>(host, plugin, |table| {
                $(table.$handler = Some($crate::native::$handler::<$plugin>);)+
            })
        }

        #[cfg(target_family = "wasm")]
        mod bimetal_exports {
            use super::*;
            $crate::wasm_always!($plugin);
            $($crate::wasm_export!($handler, $plugin);)+
        }
    };
}
