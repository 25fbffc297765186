// Where the system refuses a thread, bc_context_create fails with the numbers, every thread that was
// made has ended, and the next context works: with a pthread_create of this test's own that refuses
// the nth thread, and under the real limit of a process.
#ifdef __linux__
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "api_checks.h"

using namespace bc::test;

namespace {

int created = 0;
int refused_at = 0;  // number of the creation that is refused, from 1 on; 0 for none

}  // namespace

// The C++ runtime is a library of its own here, and calls this one.
extern "C" __attribute__((visibility("default"))) int pthread_create(
    pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument) {
  using Create = decltype(&pthread_create);
  static const auto real = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  if (++created == refused_at) return EAGAIN;
  return real(thread, attributes, start, argument);
}

namespace {

int threads_of_this_process() {
  int count = 0;
  DIR* tasks = opendir("/proc/self/task");
  while (const dirent* task = readdir(tasks)) count += task->d_name[0] != '.';
  closedir(tasks);
  return count;
}

void works(int32_t threads) {
  bc_context* context = nullptr;
  is_ok("context_create", bc_context_create(BC_CPU, 0, threads, 0, &context) == BC_OK);
  bc_tensor* t = tensor(context, BC_F32, {64, 64});
  is_ok("its threads work", bc_tensor_random(t, 1.0f, 1) == BC_OK);
  is_ok("context_free", bc_context_free(context) == BC_OK);
}

void every_creation_may_be_refused() {
  constexpr int kThreads = 8;
  const int before = threads_of_this_process();
  for (int n = 1; n < kThreads; ++n) {
    bc_context* context = nullptr;
    created = 0;
    refused_at = n;
    const std::string expected =
        "threads: process may have " + std::to_string(n - 1) + " more, expected 7 (";
    refuses("a refused thread", bc_context_create(BC_CPU, 0, kThreads, 0, &context), BC_DEVICE,
            expected.c_str());
    refuses("what to do", BC_DEVICE, BC_DEVICE, "; lower threads or raise ulimit -u / pids.max");
    refused_at = 0;
    is_ok("refused in the pool", created == n);
    is_ok("no handle", context == nullptr);
    // A joined thread may be listed until the system has put it away.
    for (int i = 0; i < 2000 && threads_of_this_process() != before; ++i) usleep(5000);
    is_ok("no thread is left", threads_of_this_process() == before);
    works(kThreads);
  }
}

// In a child, since limits and users are for good. Limits do not bind root.
int create_under_the_limit() {
  constexpr rlim_t kThreads = 4;
  const bool root = geteuid() == 0;
  if (root && (setgid(54321) != 0 || setuid(54321) != 0)) return 2;
  const rlim_t most = root ? kThreads : 1;
  const rlimit limit{most, most};
  if (setrlimit(RLIMIT_NPROC, &limit) != 0) return 3;
  bc_context* context = nullptr;
  const bc_status status = bc_context_create(BC_CPU, 0, 64, 0, &context);
  int had = -1;
  const bool says =
      std::sscanf(bc_last_error(), "threads: process may have %d more, expected 63", &had) == 1;
  std::printf("thread_limit: %s\n", bc_last_error());
  std::fflush(stdout);
  if (status != BC_DEVICE || !says || had < 0 || had >= static_cast<int>(most)) return 4;
  // One thread is the caller's own.
  if (bc_context_create(BC_CPU, 0, 1, 0, &context) != BC_OK) return 5;
  return bc_context_free(context) == BC_OK ? 0 : 6;
}

void the_real_limit() {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) _exit(create_under_the_limit());
  int status = 0;
  is_ok("waitpid", child > 0 && waitpid(child, &status, 0) == child);
  const bool ended = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (!ended) std::printf("the child has status %d\n", status);
  is_ok("under the real limit", ended);
}

}  // namespace

int main() {
  every_creation_may_be_refused();
  the_real_limit();
  return result("thread_limit");
}
#else
int main() { return 0; }
#endif
