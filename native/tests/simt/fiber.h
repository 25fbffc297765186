// Fibers: stacks that hand the processor to each other. A switch takes some nanoseconds.
#pragma once

#include <cstddef>

#ifndef SIMT_OWN_SWITCH
#if defined(__ELF__) && (defined(__x86_64__) || defined(__aarch64__))
#define SIMT_OWN_SWITCH 1
#else
#define SIMT_OWN_SWITCH 0
#endif
#endif

#if !SIMT_OWN_SWITCH
#include <ucontext.h>
#endif

namespace simt {

struct Fiber {
#if SIMT_OWN_SWITCH
  void* stack_pointer = nullptr;  // where the fiber's saved registers lie
#else
  ucontext_t context;
#endif
};

// The next switch to `fiber` calls entry() on the stack [low, low + bytes). entry must not return.
void prepare(Fiber& fiber, void* low, size_t bytes, void (*entry)());

// Saves the running fiber in `from` and goes on with `to`.
void switch_fiber(Fiber& from, Fiber& to);

}  // namespace simt
