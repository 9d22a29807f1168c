// A probe and a model in one file, in Rust without crates. Built by sdk_test against what bindgen makes of the
// installed headers.
#![allow(non_camel_case_types, non_upper_case_globals, dead_code)]

include!(env!("TESSERA_BINDINGS"));

use std::mem::{size_of, transmute};
use std::os::raw::{c_char, c_int, c_void};
use std::ptr::null;

// bindgen leaves this macro out.
const TSR_PLUGIN_MAGIC: u64 = 0x6172657373655401;

/// A C structure of nothing but zeros, whose fields a plugin fills.
macro_rules! zeroed {
    ($t:ty) => {
        unsafe { transmute::<[u8; size_of::<$t>()], $t>([0; size_of::<$t>()]) }
    };
}

macro_rules! text {
    ($t:expr) => {
        concat!($t, "\0").as_ptr() as *const c_char
    };
}

/// What the host only reads may be shared between threads.
#[repr(transparent)]
struct Shared<T>(T);
unsafe impl<T> Sync for Shared<T> {}

#[repr(C)]
struct Ones {
    scale: f64,
}

unsafe extern "C" fn count_ones(me: *const c_void, probing: *const tsr_probing) -> *mut tsr_status {
    let (ones, codes) = (&*(me as *const Ones), &*(*probing).train);
    let mut set = 0u64;
    for row in 0..codes.n {
        for word in 0..(codes.bits + 63) / 64 {
            set += (*codes.words.add((row * codes.stride + word) as usize)).count_ones() as u64;
        }
    }
    let share = set as f64 / (codes.n * codes.bits) as f64;
    tsr_metric(probing, text!("share"), ones.scale * share)
}

static ONES_KEYS: Shared<[tsr_key; 2]> = Shared([
    tsr_key {
        type_: tsr_key_type_TSR_TYPE_REAL,
        offset: 0,
        field_size: size_of::<f64>() as u32,
        name: text!("scale"),
        doc: text!("multiplies the share"),
        real_default: 1.0,
        real_min: 0.0,
        real_max: 1e6,
        ..zeroed!(tsr_key)
    },
    zeroed!(tsr_key),
]);

static ONES_OPS: Shared<tsr_probe_ops> = Shared(tsr_probe_ops {
    run: Some(count_ones),
    ..zeroed!(tsr_probe_ops)
});

static ONES: Shared<tsr_plugin> = Shared(tsr_plugin {
    kind: tsr_kind_TSR_PROBE,
    ops_size: size_of::<tsr_probe_ops>() as u32,
    ops: &ONES_OPS as *const _ as *const c_void,
    name: text!("ones"),
    version: text!("1.0.0"),
    summary: text!("the share of bits that are one"),
    licence: text!("MIT"),
    instance_size: size_of::<Ones>() as _,
    keys: &ONES_KEYS.0 as *const tsr_key,
    ..zeroed!(tsr_plugin)
});

#[repr(C)]
struct Narrow {
    activation: *const tsr_instance,
    width: c_int,
}

unsafe extern "C" fn build(
    me: *const c_void,
    graph: *mut tsr_graph,
    input: *mut tsr_node,
    classes: c_int,
) -> *mut tsr_node {
    let narrow = &*(me as *const Narrow);
    let hidden = tsr_activate(graph, tsr_dense(graph, input, narrow.width));
    tsr_dense(graph, hidden, classes)
}

static NARROW_KEYS: Shared<[tsr_key; 3]> = Shared([
    tsr_key {
        type_: tsr_key_type_TSR_TYPE_PLUGIN,
        offset: 0,
        field_size: size_of::<*const tsr_instance>() as u32,
        name: text!("activation"),
        doc: text!("of the hidden layer"),
        nested: tsr_kind_TSR_ACTIVATION,
        string_default: text!("relu"),
        ..zeroed!(tsr_key)
    },
    tsr_key {
        type_: tsr_key_type_TSR_TYPE_INT,
        offset: size_of::<*const tsr_instance>() as u32,
        field_size: size_of::<c_int>() as u32,
        name: text!("width"),
        doc: text!("units of the hidden layer"),
        int_default: 4,
        int_min: 1,
        int_max: 1 << 20,
        ..zeroed!(tsr_key)
    },
    zeroed!(tsr_key),
]);

static NARROW_OPS: Shared<tsr_model_ops> = Shared(tsr_model_ops {
    build: Some(build),
    ..zeroed!(tsr_model_ops)
});

static NARROW: Shared<tsr_plugin> = Shared(tsr_plugin {
    kind: tsr_kind_TSR_MODEL,
    ops_size: size_of::<tsr_model_ops>() as u32,
    ops: &NARROW_OPS as *const _ as *const c_void,
    name: text!("narrow"),
    version: text!("1.0.0"),
    summary: text!("one hidden layer"),
    licence: text!("MIT"),
    instance_size: size_of::<Narrow>() as _,
    keys: &NARROW_KEYS.0 as *const tsr_key,
    ..zeroed!(tsr_plugin)
});

static PLUGINS: Shared<[*const tsr_plugin; 3]> =
    Shared([&ONES.0 as *const _, &NARROW.0 as *const _, null()]);

#[no_mangle]
pub static tessera_plugin: tsr_plugin_file = tsr_plugin_file {
    magic: TSR_PLUGIN_MAGIC,
    abi_major: TSR_ABI_MAJOR as u16,
    abi_minor: TSR_ABI_MINOR as u16,
    file_size: size_of::<tsr_plugin_file>() as u32,
    plugin_size: size_of::<tsr_plugin>() as u32,
    key_size: size_of::<tsr_key>() as u32,
    plugins: &PLUGINS.0 as *const *const tsr_plugin,
};
unsafe impl Sync for tsr_plugin_file {}
