/* Lets driver.c call a kernel's module as wasm2c 1.0.32 translated it: memory behind guard pages, which its headers choose on 64 bits. */
#include "kernel-wasm2c.h"

#if !WASM_RT_MEMCHECK_SIGNAL_HANDLER
#error "wasm2c would check bounds explicitly: not a fair contestant"
#endif

uint64_t run(uint32_t iterations);
void setup(void);

static Z_kernel_instance_t s_instance;

void setup(void) {
    wasm_rt_init();
    Z_kernel_init_module();
    Z_kernel_instantiate(&s_instance);
    Z_kernelZ_setup(&s_instance);
}

uint64_t run(uint32_t iterations) { return Z_kernelZ_run(&s_instance, iterations); }
