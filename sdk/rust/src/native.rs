//! The native metal: the structs of bimetal.h, version 1, and the callbacks that `plugin!` puts into the plugin's table.

use crate::{log as log_message, Action, Body, Direction, Level, Map, Plugin, Request, Response, Status, Stream};
use std::ffi::c_void;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A stream of the host.
pub type Handle = u64;

const ABI_VERSION: u32 = 1;
const OK: i32 = 0;
const UNIMPLEMENTED: i32 = 12;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Slice {
    data: *const u8,
    length: usize,
}

const EMPTY: Slice = Slice { data: std::ptr::null(), length: 0 };

#[repr(C)]
pub struct Field {
    name: Slice,
    value: Slice,
}

/// `bimetal_http_request`.
#[repr(C)]
struct HttpRequest {
    upstream: Slice,
    fields: *const Field,
    field_count: usize,
    body: Slice,
    trailers: *const Field,
    trailer_count: usize,
    timeout_ms: u32,
    reserved: u32,
}

/// `bimetal_http_response`.
#[repr(C)]
pub struct HttpResponse {
    fields: *const Field,
    field_count: usize,
    body: Slice,
    trailers: *const Field,
    trailer_count: usize,
}

/// `bimetal_host`.
#[repr(C)]
pub struct Host {
    abi_version: u32,
    struct_size: u32,
    handle: u64,
    header_get: unsafe extern "C" fn(Handle, u32, *const u8, usize, *mut Slice) -> i32,
    header_set: unsafe extern "C" fn(Handle, u32, *const u8, usize, *const u8, usize) -> i32,
    header_add: unsafe extern "C" fn(Handle, u32, *const u8, usize, *const u8, usize) -> i32,
    header_remove: unsafe extern "C" fn(Handle, u32, *const u8, usize) -> i32,
    header_count: unsafe extern "C" fn(Handle, u32, *mut usize) -> i32,
    header_at: unsafe extern "C" fn(Handle, u32, usize, *mut Field) -> i32,
    buffer_get: unsafe extern "C" fn(Handle, u32, usize, usize, *mut Slice) -> i32,
    buffer_replace: unsafe extern "C" fn(Handle, u32, usize, usize, *const u8, usize) -> i32,
    send_local_response: unsafe extern "C" fn(Handle, u32, *const Field, usize, *const u8, usize) -> i32,
    continue_stream: unsafe extern "C" fn(Handle, u32) -> i32,
    property_get: unsafe extern "C" fn(Handle, *const u8, usize, *mut Slice) -> i32,
    log: unsafe extern "C" fn(u64, u32, *const u8, usize) -> i32,
    log_level: unsafe extern "C" fn(u64, *mut u32) -> i32,
    clock: unsafe extern "C" fn(u64, u32, *mut u64) -> i32,
    shared_get: unsafe extern "C" fn(u64, *const u8, usize, *mut u8, usize, *mut usize, *mut u32) -> i32,
    shared_set: unsafe extern "C" fn(u64, *const u8, usize, *const u8, usize, u32) -> i32,
    metric_define: unsafe extern "C" fn(u64, u32, *const u8, usize, *mut u32) -> i32,
    metric_increment: unsafe extern "C" fn(u64, u32, i64) -> i32,
    metric_record: unsafe extern "C" fn(u64, u32, u64) -> i32,
    metric_get: unsafe extern "C" fn(u64, u32, *mut u64) -> i32,
    queue_open: unsafe extern "C" fn(u64, *const u8, usize, *mut u32) -> i32,
    queue_push: unsafe extern "C" fn(u64, u32, *const u8, usize) -> i32,
    queue_pop: unsafe extern "C" fn(u64, u32, *mut u8, usize, *mut usize) -> i32,
    tick_every: unsafe extern "C" fn(u64, u32) -> i32,
    close_stream: unsafe extern "C" fn(Handle) -> i32,
    property_set: unsafe extern "C" fn(Handle, *const u8, usize, *const u8, usize) -> i32,
    foreign_call: unsafe extern "C" fn(u64, *const u8, usize, *const u8, usize, *mut u8, usize, *mut usize) -> i32,
    http_call: unsafe extern "C" fn(u64, Handle, *const HttpRequest, *mut u32) -> i32,
    stream_enter: unsafe extern "C" fn(Handle) -> i32,
    stream_leave: unsafe extern "C" fn(Handle) -> i32,
    stream_done: unsafe extern "C" fn(Handle) -> i32,
}

/// `bimetal_plugin`.
#[repr(C)]
#[derive(Default)]
pub struct Table {
    abi_version: u32,
    struct_size: u32,
    plugin: usize,
    stream_state_size: u32,
    reserved: u32,
    configure: Option<unsafe extern "C" fn(*mut c_void, *const u8, usize) -> i32>,
    stream_begin: Option<unsafe extern "C" fn(*mut c_void, Handle, *mut c_void)>,
    stream_end: Option<unsafe extern "C" fn(*mut c_void, Handle, *mut c_void)>,
    pub request_headers: Option<unsafe extern "C" fn(*mut c_void, Handle, *mut c_void, u32) -> i32>,
    pub request_body: Option<unsafe extern "C" fn(*mut c_void, Handle, *mut c_void, usize, u32) -> i32>,
    pub request_trailers: Option<unsafe extern "C" fn(*mut c_void, Handle, *mut c_void) -> i32>,
    pub response_headers: Option<unsafe extern "C" fn(*mut c_void, Handle, *mut c_void, u32) -> i32>,
    pub response_body: Option<unsafe extern "C" fn(*mut c_void, Handle, *mut c_void, usize, u32) -> i32>,
    pub response_trailers: Option<unsafe extern "C" fn(*mut c_void, Handle, *mut c_void) -> i32>,
    pub log: Option<unsafe extern "C" fn(*mut c_void, Handle, *mut c_void)>,
    pub tick: Option<unsafe extern "C" fn(*mut c_void)>,
    pub queue_ready: Option<unsafe extern "C" fn(*mut c_void, u32)>,
    pub http_response: Option<unsafe extern "C" fn(*mut c_void, Handle, *mut c_void, u32, *const HttpResponse)>,
    retire: Option<unsafe extern "C" fn(*mut c_void)>,
    pub start: Option<unsafe extern "C" fn(*mut c_void, *const u8, usize) -> i32>,
    pub done: Option<unsafe extern "C" fn(*mut c_void, Handle, *mut c_void) -> i32>,
}

/// The host's table, which lives as long as the process; and the plugin that `configure` made, for good.
static HOST: AtomicPtr<Host> = AtomicPtr::new(std::ptr::null_mut());
static PLUGIN: AtomicPtr<()> = AtomicPtr::new(std::ptr::null_mut());

fn host() -> &'static Host {
    // SAFETY: `init` has stored it before any other function can run.
    unsafe { &*HOST.load(Ordering::Relaxed) }
}

fn take(call: impl FnOnce(*mut Slice) -> i32) -> Option<Vec<u8>> {
    let mut lent = EMPTY;
    if call(&mut lent) == OK {
        Some(copy(&lent))
    } else {
        None
    }
}

fn copy(lent: &Slice) -> Vec<u8> {
    if lent.length == 0 {
        return Vec::new();
    }
    // SAFETY: what the host lends is valid until the next change, and this is right after the call.
    unsafe { std::slice::from_raw_parts(lent.data, lent.length) }.to_vec()
}

fn lend(bytes: &[u8]) -> Slice {
    Slice { data: bytes.as_ptr(), length: bytes.len() }
}

fn lend_fields(fields: &[(&str, &[u8])]) -> Vec<Field> {
    fields.iter().map(|(name, value)| Field { name: lend(name.as_bytes()), value: lend(value) }).collect()
}

fn number<T: Default>(call: impl FnOnce(*mut T) -> i32) -> Result<T, Status> {
    let mut value = T::default();
    Status::check(call(&mut value)).map(|()| value)
}

pub fn header(stream: Handle, map: Map, name: &[u8]) -> Option<Vec<u8>> {
    take(|value| unsafe { (host().header_get)(stream, map as u32, name.as_ptr(), name.len(), value) })
}

pub fn headers(stream: Handle, map: Map) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut count = 0;
    if unsafe { (host().header_count)(stream, map as u32, &mut count) } != OK {
        return Vec::new();
    }
    let mut fields = Vec::with_capacity(count);
    for index in 0..count {
        let mut field = Field { name: EMPTY, value: EMPTY };
        if unsafe { (host().header_at)(stream, map as u32, index, &mut field) } == OK {
            fields.push((copy(&field.name), copy(&field.value)));
        }
    }
    fields
}

pub fn set_header(stream: Handle, map: Map, name: &[u8], value: &[u8]) -> i32 {
    unsafe { (host().header_set)(stream, map as u32, name.as_ptr(), name.len(), value.as_ptr(), value.len()) }
}

pub fn add_header(stream: Handle, map: Map, name: &[u8], value: &[u8]) -> i32 {
    unsafe { (host().header_add)(stream, map as u32, name.as_ptr(), name.len(), value.as_ptr(), value.len()) }
}

pub fn remove_header(stream: Handle, map: Map, name: &[u8]) -> i32 {
    unsafe { (host().header_remove)(stream, map as u32, name.as_ptr(), name.len()) }
}

pub fn body(stream: Handle, body: Body, start: usize, max_length: usize) -> Option<Vec<u8>> {
    take(|bytes| unsafe { (host().buffer_get)(stream, body as u32, start, max_length, bytes) })
}

pub fn replace_body(stream: Handle, body: Body, start: usize, length: usize, bytes: &[u8]) -> i32 {
    unsafe { (host().buffer_replace)(stream, body as u32, start, length, bytes.as_ptr(), bytes.len()) }
}

pub fn respond(stream: Handle, status: u32, fields: &[(&str, &[u8])], body: &[u8]) -> i32 {
    let fields = lend_fields(fields);
    unsafe { (host().send_local_response)(stream, status, fields.as_ptr(), fields.len(), body.as_ptr(), body.len()) }
}

pub fn resume(stream: Handle, direction: Direction) -> i32 {
    unsafe { (host().continue_stream)(stream, direction as u32) }
}

pub fn property(stream: Handle, path: &[u8]) -> Option<Vec<u8>> {
    take(|value| unsafe { (host().property_get)(stream, path.as_ptr(), path.len(), value) })
}

pub fn log_bytes(level: Level, message: &[u8]) {
    unsafe { (host().log)(host().handle, level as u32, message.as_ptr(), message.len()) };
}

pub fn now() -> u64 {
    let mut time = 0;
    unsafe { (host().clock)(host().handle, 0, &mut time) };
    time
}

pub fn shared_get(key: &[u8]) -> Option<(Vec<u8>, u32)> {
    let mut value = vec![0; 256];
    loop {
        let (mut length, mut cas) = (0, 0);
        let status = unsafe { (host().shared_get)(host().handle, key.as_ptr(), key.len(), value.as_mut_ptr(), value.len(), &mut length, &mut cas) };
        if status != OK {
            return None;
        }
        let is_whole = length <= value.len();
        value.resize(length, 0);
        if is_whole {
            return Some((value, cas));
        }
    }
}

pub fn shared_set(key: &[u8], value: &[u8], cas: u32) -> i32 {
    unsafe { (host().shared_set)(host().handle, key.as_ptr(), key.len(), value.as_ptr(), value.len(), cas) }
}

pub fn close(stream: Handle) -> i32 {
    unsafe { (host().close_stream)(stream) }
}

pub fn set_property(stream: Handle, path: &[u8], value: &[u8]) -> i32 {
    unsafe { (host().property_set)(stream, path.as_ptr(), path.len(), value.as_ptr(), value.len()) }
}

pub fn http_call(stream: Option<Handle>, request: &Request) -> Result<u32, Status> {
    let (fields, trailers) = (lend_fields(request.fields), lend_fields(request.trailers));
    let lent = HttpRequest {
        upstream: lend(request.upstream.as_bytes()),
        fields: fields.as_ptr(),
        field_count: fields.len(),
        body: lend(request.body),
        trailers: trailers.as_ptr(),
        trailer_count: trailers.len(),
        timeout_ms: request.timeout_ms,
        reserved: 0,
    };
    number(|call| unsafe { (host().http_call)(host().handle, stream.unwrap_or(0), &lent, call) })
}

pub fn enter(stream: Handle) -> i32 {
    unsafe { (host().stream_enter)(stream) }
}

pub fn leave(stream: Handle) {
    unsafe { (host().stream_leave)(stream) };
}

pub fn finish(stream: Handle) -> i32 {
    unsafe { (host().stream_done)(stream) }
}

/// Longest result of the host's functions.
const FOREIGN_LIMIT: usize = 1 << 20;

pub fn foreign_call(name: &[u8], argument: &[u8]) -> Result<Vec<u8>, Status> {
    let mut result = vec![0; FOREIGN_LIMIT];
    let length = number(|length| unsafe {
        (host().foreign_call)(host().handle, name.as_ptr(), name.len(), argument.as_ptr(), argument.len(), result.as_mut_ptr(), FOREIGN_LIMIT, length)
    })?;
    result.truncate(length);
    Ok(result)
}

pub fn tick_every(period_ms: u32) -> i32 {
    unsafe { (host().tick_every)(host().handle, period_ms) }
}

pub fn metric_define(kind: u32, name: &[u8]) -> Result<u32, Status> {
    number(|metric| unsafe { (host().metric_define)(host().handle, kind, name.as_ptr(), name.len(), metric) })
}

pub fn metric_increment(metric: u32, offset: i64) -> i32 {
    unsafe { (host().metric_increment)(host().handle, metric, offset) }
}

pub fn metric_record(metric: u32, value: u64) -> i32 {
    unsafe { (host().metric_record)(host().handle, metric, value) }
}

pub fn metric_get(metric: u32) -> Result<u64, Status> {
    number(|value| unsafe { (host().metric_get)(host().handle, metric, value) })
}

pub fn queue_open(name: &[u8]) -> Result<u32, Status> {
    number(|queue| unsafe { (host().queue_open)(host().handle, name.as_ptr(), name.len(), queue) })
}

pub fn queue_push(queue: u32, item: &[u8]) -> i32 {
    unsafe { (host().queue_push)(host().handle, queue, item.as_ptr(), item.len()) }
}

pub fn queue_pop(queue: u32, capacity: usize) -> Result<Vec<u8>, Status> {
    let mut item = vec![0; capacity];
    let length = number(|length| unsafe { (host().queue_pop)(host().handle, queue, item.as_mut_ptr(), capacity, length) })?;
    item.truncate(length);
    Ok(item)
}

// ---- The plugin's side ----------------------------------------------------------------------------------------------------------

/// The handshake of bimetal.h.
///
/// # Safety
/// `host` and `plugin` are what the gateway passes to `bimetal_plugin_init`.
pub unsafe fn init<P: Plugin>(host: *const Host, plugin: *mut Table, fill: impl FnOnce(&mut Table)) -> i32 {
    let room = (*plugin).struct_size as usize;
    if (*host).abi_version != ABI_VERSION || ((*host).struct_size as usize) < std::mem::size_of::<Host>() || room < std::mem::size_of::<Table>() {
        (*plugin).abi_version = ABI_VERSION;
        return UNIMPLEMENTED;
    }
    HOST.store(host as *mut Host, Ordering::Relaxed);
    let mut table = Table {
        abi_version: ABI_VERSION,
        struct_size: std::mem::size_of::<Table>() as u32,
        stream_state_size: std::mem::size_of::<usize>() as u32,
        configure: Some(configure::<P>),
        stream_begin: Some(begin::<P>),
        stream_end: Some(end::<P>),
        retire: Some(retire::<P>),
        ..Table::default()
    };
    fill(&mut table);
    plugin.write(table);
    OK
}

pub unsafe extern "C" fn start<P: Plugin>(_: *mut c_void, configuration: *const u8, length: usize) -> i32 {
    match P::start(&copy(&Slice { data: configuration, length })) {
        Ok(()) => OK,
        Err(why) => {
            log_message(Level::Error, &why);
            crate::Status::BAD_ARGUMENT.0
        }
    }
}

unsafe extern "C" fn configure<P: Plugin>(_: *mut c_void, configuration: *const u8, length: usize) -> i32 {
    match P::configure(&copy(&Slice { data: configuration, length })) {
        Ok(plugin) => {
            PLUGIN.store(Box::into_raw(Box::new(plugin)) as *mut (), Ordering::Release);
            OK
        }
        Err(why) => {
            log_message(Level::Error, &why);
            crate::Status::BAD_ARGUMENT.0
        }
    }
}

// The host's state of a stream is one pointer, to a boxed State.
unsafe extern "C" fn begin<P: Plugin>(_: *mut c_void, _: Handle, state: *mut c_void) {
    *(state as *mut *mut P::State) = Box::into_raw(Box::new(P::State::default()));
}

unsafe extern "C" fn end<P: Plugin>(_: *mut c_void, _: Handle, state: *mut c_void) {
    drop(Box::from_raw(*(state as *mut *mut P::State)));
}

// SAFETY: `configure` and `begin` made both of these types; the callbacks of one stream never overlap.
unsafe fn with<P: Plugin, R>(stream: Handle, state: *mut c_void, handler: impl FnOnce(&P, &Stream, &mut P::State) -> R) -> R {
    handler(&*(PLUGIN.load(Ordering::Acquire) as *const P), &Stream(stream), &mut **(state as *mut *mut P::State))
}

macro_rules! callbacks {
    ($headers:ident, $body:ident, $trailers:ident) => {
        pub unsafe extern "C" fn $headers<P: Plugin>(_: *mut c_void, stream: Handle, state: *mut c_void, end: u32) -> i32 {
            with::<P, Action>(stream, state, |plugin, stream, state| plugin.$headers(stream, state, end != 0)) as i32
        }
        pub unsafe extern "C" fn $body<P: Plugin>(_: *mut c_void, stream: Handle, state: *mut c_void, length: usize, end: u32) -> i32 {
            with::<P, Action>(stream, state, |plugin, stream, state| plugin.$body(stream, state, length, end != 0)) as i32
        }
        pub unsafe extern "C" fn $trailers<P: Plugin>(_: *mut c_void, stream: Handle, state: *mut c_void) -> i32 {
            with::<P, Action>(stream, state, |plugin, stream, state| plugin.$trailers(stream, state)) as i32
        }
    };
}
callbacks!(request_headers, request_body, request_trailers);
callbacks!(response_headers, response_body, response_trailers);

pub unsafe extern "C" fn done<P: Plugin>(_: *mut c_void, stream: Handle, state: *mut c_void) -> i32 {
    with::<P, bool>(stream, state, |plugin, stream, state| plugin.done(stream, state)) as i32
}

pub unsafe extern "C" fn log<P: Plugin>(_: *mut c_void, stream: Handle, state: *mut c_void) {
    with::<P, ()>(stream, state, |plugin, stream, state| plugin.log(stream, state))
}

// SAFETY: `configure` made it of this type.
unsafe fn plugin<P: Plugin>() -> &'static P {
    &*(PLUGIN.load(Ordering::Acquire) as *const P)
}

// SAFETY: the last call; nobody has a reference to the plugin any more.
unsafe extern "C" fn retire<P: Plugin>(_: *mut c_void) {
    let plugin = PLUGIN.swap(std::ptr::null_mut(), Ordering::AcqRel) as *mut P;
    if !plugin.is_null() {
        drop(Box::from_raw(plugin));
    }
}

pub unsafe extern "C" fn tick<P: Plugin>(_: *mut c_void) {
    plugin::<P>().tick()
}

pub unsafe extern "C" fn queue_ready<P: Plugin>(_: *mut c_void, queue: u32) {
    plugin::<P>().queue_ready(queue)
}

// SAFETY: an array of the host's with so many fields, or none.
unsafe fn fields_of(fields: *const Field, count: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    (0..count).map(|index| (copy(&(*fields.add(index)).name), copy(&(*fields.add(index)).value))).collect()
}

pub unsafe extern "C" fn http_response<P: Plugin>(_: *mut c_void, stream: Handle, state: *mut c_void, call: u32, lent: *const HttpResponse) {
    let lent = &*lent;
    let response = Response::new(fields_of(lent.fields, lent.field_count), copy(&lent.body), fields_of(lent.trailers, lent.trailer_count));
    if stream == 0 {
        plugin::<P>().own_http_response(call, response)
    } else {
        with::<P, ()>(stream, state, |plugin, stream, state| plugin.http_response(stream, state, call, response))
    }
}
