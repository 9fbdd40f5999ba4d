//! The wasm metal: proxy-wasm 0.2.1 imports, and the bodies of the exports that `plugin!` makes. One thread at a time is in an instance.

use crate::{log as log_message, Action, Body, Direction, Level, Map, Plugin, Request, Response, Status, Stream};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use std::sync::Mutex;

/// The id of a stream context.
pub type Handle = u32;

#[link(wasm_import_module = "env")]
extern "C" {
    fn proxy_log(level: u32, message: *const u8, length: usize) -> i32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> i32;
    fn proxy_get_header_map_value(map: u32, name: *const u8, name_length: usize, value: *mut *mut u8, length: *mut usize) -> i32;
    fn proxy_get_header_map_pairs(map: u32, pairs: *mut *mut u8, length: *mut usize) -> i32;
    fn proxy_replace_header_map_value(map: u32, name: *const u8, name_length: usize, value: *const u8, length: usize) -> i32;
    fn proxy_add_header_map_value(map: u32, name: *const u8, name_length: usize, value: *const u8, length: usize) -> i32;
    fn proxy_remove_header_map_value(map: u32, name: *const u8, name_length: usize) -> i32;
    fn proxy_get_buffer_bytes(buffer: u32, start: usize, max_length: usize, bytes: *mut *mut u8, length: *mut usize) -> i32;
    fn proxy_set_buffer_bytes(buffer: u32, start: usize, length: usize, bytes: *const u8, bytes_length: usize) -> i32;
    fn proxy_send_local_response(
        status: u32, details: *const u8, details_length: usize, body: *const u8, body_length: usize, pairs: *const u8, pairs_length: usize, grpc: i32,
    ) -> i32;
    fn proxy_continue_stream(stream_type: u32) -> i32;
    fn proxy_get_property(path: *const u8, length: usize, value: *mut *mut u8, value_length: *mut usize) -> i32;
    fn proxy_get_shared_data(key: *const u8, key_length: usize, value: *mut *mut u8, length: *mut usize, cas: *mut u32) -> i32;
    fn proxy_set_shared_data(key: *const u8, key_length: usize, value: *const u8, length: usize, cas: u32) -> i32;
    fn proxy_close_stream(stream_type: u32) -> i32;
    fn proxy_set_property(path: *const u8, length: usize, value: *const u8, value_length: usize) -> i32;
    fn proxy_http_call(
        upstream: *const u8, upstream_length: usize, pairs: *const u8, pairs_length: usize, body: *const u8, body_length: usize, trailers: *const u8,
        trailers_length: usize, timeout_ms: u32, call: *mut u32,
    ) -> i32;
    fn proxy_set_effective_context(context: u32) -> i32;
    fn proxy_done() -> i32;
    fn proxy_call_foreign_function(
        name: *const u8, name_length: usize, argument: *const u8, argument_length: usize, result: *mut *mut u8, length: *mut usize,
    ) -> i32;
    fn proxy_set_tick_period_milliseconds(period_ms: u32) -> i32;
    fn proxy_define_metric(kind: u32, name: *const u8, length: usize, metric: *mut u32) -> i32;
    fn proxy_increment_metric(metric: u32, offset: i64) -> i32;
    fn proxy_record_metric(metric: u32, value: u64) -> i32;
    fn proxy_get_metric(metric: u32, value: *mut u64) -> i32;
    fn proxy_register_shared_queue(name: *const u8, length: usize, queue: *mut u32) -> i32;
    fn proxy_enqueue_shared_queue(queue: u32, item: *const u8, length: usize) -> i32;
    fn proxy_dequeue_shared_queue(queue: u32, item: *mut *mut u8, length: *mut usize) -> i32;
}

const CALL_BODY: u32 = 4;
const CALL_HEADERS: u32 = 6;
const CALL_TRAILERS: u32 = 7;
const VM_CONFIGURATION: u32 = 6;
const CONFIGURATION: u32 = 7;

/// What the host places, it places into memory that `allocate` gave: it is taken over as a vector of just that capacity.
fn take(call: impl FnOnce(*mut *mut u8, *mut usize) -> i32) -> Option<Vec<u8>> {
    let (mut data, mut length) = (std::ptr::null_mut(), 0usize);
    if call(&mut data, &mut length) != 0 {
        return None;
    }
    if data.is_null() || length == 0 {
        return Some(Vec::new());
    }
    // SAFETY: the host asked `allocate` for exactly `length` bytes and filled them.
    Some(unsafe { Vec::from_raw_parts(data, length, length) })
}

pub fn allocate(length: usize) -> *mut u8 {
    let mut bytes = Vec::<u8>::with_capacity(length);
    let data = bytes.as_mut_ptr();
    std::mem::forget(bytes);
    data
}

pub fn header(_: Handle, map: Map, name: &[u8]) -> Option<Vec<u8>> {
    take(|data, length| unsafe { proxy_get_header_map_value(map as u32, name.as_ptr(), name.len(), data, length) })
}

pub fn headers(_: Handle, map: Map) -> Vec<(Vec<u8>, Vec<u8>)> {
    read_pairs(map as u32)
}

fn read_pairs(map: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
    let pairs = take(|data, length| unsafe { proxy_get_header_map_pairs(map, data, length) }).unwrap_or_default();
    let number = |at: usize| pairs.get(at..at + 4).map_or(0, |bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize);
    let count = number(0);
    let mut fields = Vec::with_capacity(count);
    let mut at = 4 + 8 * count;
    for index in 0..count {
        let (name, value) = (number(4 + 8 * index), number(8 + 8 * index));
        fields.push((pairs[at..at + name].to_vec(), pairs[at + name + 1..at + name + 1 + value].to_vec()));
        at += name + value + 2;
    }
    fields
}

pub fn set_header(_: Handle, map: Map, name: &[u8], value: &[u8]) -> i32 {
    unsafe { proxy_replace_header_map_value(map as u32, name.as_ptr(), name.len(), value.as_ptr(), value.len()) }
}

pub fn add_header(_: Handle, map: Map, name: &[u8], value: &[u8]) -> i32 {
    unsafe { proxy_add_header_map_value(map as u32, name.as_ptr(), name.len(), value.as_ptr(), value.len()) }
}

pub fn remove_header(_: Handle, map: Map, name: &[u8]) -> i32 {
    unsafe { proxy_remove_header_map_value(map as u32, name.as_ptr(), name.len()) }
}

pub fn body(_: Handle, body: Body, start: usize, max_length: usize) -> Option<Vec<u8>> {
    take(|data, length| unsafe { proxy_get_buffer_bytes(body as u32, start, max_length, data, length) })
}

pub fn replace_body(_: Handle, body: Body, start: usize, length: usize, bytes: &[u8]) -> i32 {
    unsafe { proxy_set_buffer_bytes(body as u32, start, length, bytes.as_ptr(), bytes.len()) }
}

fn write_pairs(fields: &[(&str, &[u8])]) -> Vec<u8> {
    let mut pairs = (fields.len() as u32).to_le_bytes().to_vec();
    for (name, value) in fields {
        pairs.extend_from_slice(&(name.len() as u32).to_le_bytes());
        pairs.extend_from_slice(&(value.len() as u32).to_le_bytes());
    }
    for (name, value) in fields {
        for part in [name.as_bytes(), value] {
            pairs.extend_from_slice(part);
            pairs.push(0);
        }
    }
    pairs
}

pub fn respond(_: Handle, status: u32, fields: &[(&str, &[u8])], body: &[u8]) -> i32 {
    let pairs = write_pairs(fields);
    unsafe { proxy_send_local_response(status, std::ptr::null(), 0, body.as_ptr(), body.len(), pairs.as_ptr(), pairs.len(), -1) }
}

pub fn resume(_: Handle, direction: Direction) -> i32 {
    unsafe { proxy_continue_stream(direction as u32) }
}

pub fn property(_: Handle, path: &[u8]) -> Option<Vec<u8>> {
    take(|data, length| unsafe { proxy_get_property(path.as_ptr(), path.len(), data, length) })
}

pub fn log_bytes(level: Level, message: &[u8]) {
    unsafe { proxy_log(level as u32, message.as_ptr(), message.len()) };
}

pub fn now() -> u64 {
    let mut time = 0;
    unsafe { proxy_get_current_time_nanoseconds(&mut time) };
    time
}

pub fn shared_get(key: &[u8]) -> Option<(Vec<u8>, u32)> {
    let mut cas = 0;
    take(|data, length| unsafe { proxy_get_shared_data(key.as_ptr(), key.len(), data, length, &mut cas) }).map(|value| (value, cas))
}

pub fn shared_set(key: &[u8], value: &[u8], cas: u32) -> i32 {
    unsafe { proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), cas) }
}

fn number<T: Default>(call: impl FnOnce(*mut T) -> i32) -> Result<T, Status> {
    let mut value = T::default();
    Status::check(call(&mut value)).map(|()| value)
}

pub fn close(_: Handle) -> i32 {
    unsafe { proxy_close_stream(0) }
}

pub fn set_property(_: Handle, path: &[u8], value: &[u8]) -> i32 {
    unsafe { proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) }
}

pub fn http_call(_: Option<Handle>, request: &Request) -> Result<u32, Status> {
    let (upstream, body) = (request.upstream.as_bytes(), request.body);
    let (pairs, trailers) = (write_pairs(request.fields), write_pairs(request.trailers));
    number(|call| unsafe {
        proxy_http_call(
            upstream.as_ptr(), upstream.len(), pairs.as_ptr(), pairs.len(), body.as_ptr(), body.len(), trailers.as_ptr(), trailers.len(),
            request.timeout_ms, call,
        )
    })
}

pub fn enter(stream: Handle) -> i32 {
    unsafe { proxy_set_effective_context(stream) }
}

pub fn leave(_: Handle) {
    unsafe { proxy_set_effective_context(ROOT.load(Ordering::Relaxed)) };
}

pub fn finish(stream: Handle) -> i32 {
    if unsafe { proxy_set_effective_context(stream) } != 0 {
        return Status::NOT_FOUND.0;
    }
    let status = unsafe { proxy_done() };
    leave(stream);
    status
}

/// A vector that a host function fills, or its status.
fn try_take(call: impl FnOnce(*mut *mut u8, *mut usize) -> i32) -> Result<Vec<u8>, Status> {
    let mut status = 0;
    let taken = take(|data, length| {
        status = call(data, length);
        status
    });
    Status::check(status).map(|()| taken.unwrap_or_default())
}

pub fn foreign_call(name: &[u8], argument: &[u8]) -> Result<Vec<u8>, Status> {
    try_take(|data, length| unsafe { proxy_call_foreign_function(name.as_ptr(), name.len(), argument.as_ptr(), argument.len(), data, length) })
}

pub fn tick_every(period_ms: u32) -> i32 {
    unsafe { proxy_set_tick_period_milliseconds(period_ms) }
}

pub fn metric_define(kind: u32, name: &[u8]) -> Result<u32, Status> {
    number(|metric| unsafe { proxy_define_metric(kind, name.as_ptr(), name.len(), metric) })
}

pub fn metric_increment(metric: u32, offset: i64) -> i32 {
    unsafe { proxy_increment_metric(metric, offset) }
}

pub fn metric_record(metric: u32, value: u64) -> i32 {
    unsafe { proxy_record_metric(metric, value) }
}

pub fn metric_get(metric: u32) -> Result<u64, Status> {
    number(|value| unsafe { proxy_get_metric(metric, value) })
}

pub fn queue_open(name: &[u8]) -> Result<u32, Status> {
    number(|queue| unsafe { proxy_register_shared_queue(name.as_ptr(), name.len(), queue) })
}

pub fn queue_push(queue: u32, item: &[u8]) -> i32 {
    unsafe { proxy_enqueue_shared_queue(queue, item.as_ptr(), item.len()) }
}

pub fn queue_pop(queue: u32, capacity: usize) -> Result<Vec<u8>, Status> {
    let mut item = try_take(|data, length| unsafe { proxy_dequeue_shared_queue(queue, data, length) })?;
    item.truncate(capacity);
    Ok(item)
}

// ---- Exports --------------------------------------------------------------------------------------------------------------------

/// The plugin that `configure` made, and a boxed state for each stream. A module has one plugin type, so the types behind the pointers are known.
static PLUGIN: AtomicPtr<()> = AtomicPtr::new(std::ptr::null_mut());
static ROOT: AtomicU32 = AtomicU32::new(0);
static STATES: Mutex<Option<BTreeMap<u32, usize>>> = Mutex::new(None);

fn states<R>(act: impl FnOnce(&mut BTreeMap<u32, usize>) -> R) -> R {
    act(STATES.lock().unwrap().get_or_insert_with(BTreeMap::new))
}

fn configuration(buffer: u32, length: usize) -> Vec<u8> {
    if length == 0 {
        return Vec::new();
    }
    take(|data, size| unsafe { proxy_get_buffer_bytes(buffer, 0, length, data, size) }).unwrap_or_default()
}

pub fn start<P: Plugin>(length: usize) -> u32 {
    match P::start(&configuration(VM_CONFIGURATION, length)) {
        Ok(()) => 1,
        Err(why) => {
            log_message(Level::Error, &why);
            0
        }
    }
}

pub fn configure<P: Plugin>(context: u32, length: usize) -> u32 {
    ROOT.store(context, Ordering::Relaxed);
    std::panic::set_hook(Box::new(|what| log_message(Level::Critical, &what.to_string())));
    match P::configure(&configuration(CONFIGURATION, length)) {
        Ok(plugin) => {
            PLUGIN.store(Box::into_raw(Box::new(plugin)) as *mut (), Ordering::Relaxed);
            1
        }
        Err(why) => {
            log_message(Level::Error, &why);
            0
        }
    }
}

pub fn create<P: Plugin>(context: u32, parent: u32) {
    if parent != 0 {
        states(|all| all.insert(context, Box::into_raw(Box::new(P::State::default())) as usize));
    }
}

pub fn delete<P: Plugin>(context: u32) {
    if let Some(state) = states(|all| all.remove(&context)) {
        // SAFETY: `create` made it of this type, and it is in the map no more.
        drop(unsafe { Box::from_raw(state as *mut P::State) });
    }
}

fn with<P: Plugin, R>(context: u32, handler: impl FnOnce(&P, &Stream, &mut P::State) -> R) -> R {
    let state = states(|all| all.get(&context).copied()).expect("a stream that has begun") as *mut P::State;
    // SAFETY: both were made of these types; handlers of one stream never overlap.
    unsafe { handler(&*(PLUGIN.load(Ordering::Relaxed) as *const P), &Stream(context), &mut *state) }
}

pub fn headers_handler<P: Plugin>(context: u32, end: u32, handler: fn(&P, &Stream, &mut P::State, bool) -> Action) -> i32 {
    with::<P, _>(context, |plugin, stream, state| handler(plugin, stream, state, end != 0)) as i32
}

pub fn body_handler<P: Plugin>(context: u32, length: usize, end: u32, handler: fn(&P, &Stream, &mut P::State, usize, bool) -> Action) -> i32 {
    with::<P, _>(context, |plugin, stream, state| handler(plugin, stream, state, length, end != 0)) as i32
}

pub fn trailers_handler<P: Plugin>(context: u32, handler: fn(&P, &Stream, &mut P::State) -> Action) -> i32 {
    with::<P, _>(context, |plugin, stream, state| handler(plugin, stream, state)) as i32
}

pub fn done_handler<P: Plugin>(context: u32) -> u32 {
    (context == ROOT.load(Ordering::Relaxed) || with::<P, _>(context, |plugin, stream, state| plugin.done(stream, state))) as u32
}

pub fn log_handler<P: Plugin>(context: u32) {
    with::<P, _>(context, |plugin, stream, state| plugin.log(stream, state))
}

pub fn plugin<P: Plugin>() -> &'static P {
    // SAFETY: `configure` made it of this type, for good.
    unsafe { &*(PLUGIN.load(Ordering::Relaxed) as *const P) }
}

pub fn http_response_handler<P: Plugin>(context: u32, call: u32, body_length: usize) {
    let body = take(|data, length| unsafe { proxy_get_buffer_bytes(CALL_BODY, 0, body_length, data, length) }).unwrap_or_default();
    let response = Response::new(read_pairs(CALL_HEADERS), body, read_pairs(CALL_TRAILERS));
    if context == ROOT.load(Ordering::Relaxed) {
        plugin::<P>().own_http_response(call, response)
    } else {
        with::<P, _>(context, |plugin, stream, state| plugin.http_response(stream, state, call, response))
    }
}

/// What every module exports.
#[doc(hidden)]
#[macro_export]
macro_rules! wasm_always {
    ($plugin:ty) => {
        #[no_mangle]
        pub extern "C" fn proxy_abi_version_0_2_1() {}
        #[no_mangle]
        pub extern "C" fn proxy_on_memory_allocate(length: usize) -> *mut u8 {
            $crate::wasm::allocate(length)
        }
        #[no_mangle]
        pub extern "C" fn proxy_on_configure(context: u32, length: usize) -> u32 {
            $crate::wasm::configure::<$plugin>(context, length)
        }
        #[no_mangle]
        pub extern "C" fn proxy_on_context_create(context: u32, parent: u32) {
            $crate::wasm::create::<$plugin>(context, parent)
        }
        #[no_mangle]
        pub extern "C" fn proxy_on_delete(context: u32) {
            $crate::wasm::delete::<$plugin>(context)
        }
    };
}

/// The export of one handler.
#[doc(hidden)]
#[macro_export]
macro_rules! wasm_export {
    (request_headers, $plugin:ty) => {
        #[no_mangle]
        pub extern "C" fn proxy_on_request_headers(context: u32, _count: u32, end: u32) -> i32 {
            $crate::wasm::headers_handler::<$plugin>(context, end, <$plugin as $crate::Plugin>::request_headers)
        }
    };
    (request_body, $plugin:ty) => {
        #[no_mangle]
        pub extern "C" fn proxy_on_request_body(context: u32, length: usize, end: u32) -> i32 {
            $crate::wasm::body_handler::<$plugin>(context, length, end, <$plugin as $crate::Plugin>::request_body)
        }
    };
    (request_trailers, $plugin:ty) => {
        #[no_mangle]
        pub extern "C" fn proxy_on_request_trailers(context: u32, _count: u32) -> i32 {
            $crate::wasm::trailers_handler::<$plugin>(context, <$plugin as $crate::Plugin>::request_trailers)
        }
    };
    (response_headers, $plugin:ty) => {
        #[no_mangle]
        pub extern "C" fn proxy_on_response_headers(context: u32, _count: u32, end: u32) -> i32 {
            $crate::wasm::headers_handler::<$plugin>(context, end, <$plugin as $crate::Plugin>::response_headers)
        }
    };
    (response_body, $plugin:ty) => {
        #[no_mangle]
        pub extern "C" fn proxy_on_response_body(context: u32, length: usize, end: u32) -> i32 {
            $crate::wasm::body_handler::<$plugin>(context, length, end, <$plugin as $crate::Plugin>::response_body)
        }
    };
    (response_trailers, $plugin:ty) => {
        #[no_mangle]
        pub extern "C" fn proxy_on_response_trailers(context: u32, _count: u32) -> i32 {
            $crate::wasm::trailers_handler::<$plugin>(context, <$plugin as $crate::Plugin>::response_trailers)
        }
    };
    (start, $plugin:ty) => {
        #[no_mangle]
        pub extern "C" fn proxy_on_vm_start(_context: u32, length: usize) -> u32 {
            $crate::wasm::start::<$plugin>(length)
        }
    };
    (done, $plugin:ty) => {
        #[no_mangle]
        pub extern "C" fn proxy_on_done(context: u32) -> u32 {
            $crate::wasm::done_handler::<$plugin>(context)
        }
    };
    (log, $plugin:ty) => {
        #[no_mangle]
        pub extern "C" fn proxy_on_log(context: u32) {
            $crate::wasm::log_handler::<$plugin>(context)
        }
    };
    (http_response, $plugin:ty) => {
        #[no_mangle]
        pub extern "C" fn proxy_on_http_call_response(context: u32, call: u32, _fields: u32, body_length: usize, _trailers: u32) {
            $crate::wasm::http_response_handler::<$plugin>(context, call, body_length)
        }
    };
    (tick, $plugin:ty) => {
        #[no_mangle]
        pub extern "C" fn proxy_on_tick(_context: u32) {
            <$plugin as $crate::Plugin>::tick($crate::wasm::plugin::<$plugin>())
        }
    };
    (queue_ready, $plugin:ty) => {
        #[no_mangle]
        pub extern "C" fn proxy_on_queue_ready(_context: u32, queue: u32) {
            <$plugin as $crate::Plugin>::queue_ready($crate::wasm::plugin::<$plugin>(), queue)
        }
    };
}
