// The switch saves what a called function must preserve and nothing else: swapcontext() makes a
// system call for the signal mask and takes a microsecond, which a warp would pay 32 times for
// every instruction of its lanes together.
#include "fiber.h"

#include <cstdint>

#if SIMT_OWN_SWITCH

extern "C" void simt_switch(void** save, void* load);

#if defined(__x86_64__)
// System V ABI: rbx, rbp, r12-r15 and the stack pointer belong to the caller.
asm(R"(
  .text
  .globl simt_switch
  .hidden simt_switch
  .type simt_switch, @function
simt_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size simt_switch, . - simt_switch
)");
#else
// AAPCS64: x19-x30, d8-d15 and the stack pointer belong to the caller.
asm(R"(
  .text
  .globl simt_switch
  .hidden simt_switch
  .type simt_switch, %function
simt_switch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
  .size simt_switch, . - simt_switch
)");
#endif

namespace simt {

void prepare(Fiber& fiber, void* low, size_t bytes, void (*entry)()) {
  const uintptr_t top = (reinterpret_cast<uintptr_t>(low) + bytes) & ~uintptr_t{63};
#if defined(__x86_64__)
  // Six registers, the address that ret takes, and a return address of zero, which ends
  // backtraces and leaves the stack pointer where a call would.
  auto* frame = reinterpret_cast<uintptr_t*>(top) - 8;
  for (int i = 0; i < 8; ++i) frame[i] = 0;
  frame[6] = reinterpret_cast<uintptr_t>(entry);
#else
  auto* frame = reinterpret_cast<uintptr_t*>(top) - 20;
  for (int i = 0; i < 20; ++i) frame[i] = 0;
  frame[11] = reinterpret_cast<uintptr_t>(entry);  // x30, the link register
#endif
  fiber.stack_pointer = frame;
}

void switch_fiber(Fiber& from, Fiber& to) { simt_switch(&from.stack_pointer, to.stack_pointer); }

}  // namespace simt

#else

namespace simt {

void prepare(Fiber& fiber, void* low, size_t bytes, void (*entry)()) {
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = low;
  fiber.context.uc_stack.ss_size = bytes;
  fiber.context.uc_link = nullptr;
  makecontext(&fiber.context, entry, 0);
}

void switch_fiber(Fiber& from, Fiber& to) { swapcontext(&from.context, &to.context); }

}  // namespace simt

#endif
