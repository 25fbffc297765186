// Every index is worked on once, by more threads than there are cores, and the caller never leaves
// before a worker that is slow; nothing hangs.
#include "thread_pool.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

using namespace bc;

namespace {

int failed = 0;

void check(bool ok, const char* what, int job) {
  if (ok) return;
  ++failed;
  std::printf("FAILED thread_pool: job %d: %s\n", job, what);
}

// Jobs of n indices; the last piece of every `slow`th job takes longer than the caller spins.
void jobs(int threads, int count, int64_t n, int64_t grain, int slow) {
  ThreadPool pool(threads);
  for (int job = 0; job < count; ++job) {
    std::vector<int> done(static_cast<size_t>(n), 0);  // plain: the pool orders the accesses
    std::atomic<bool> inside{true};
    pool.parallel_for(n, grain, [&](int64_t begin, int64_t end, int worker) {
      if (worker < 0 || worker >= threads || end - begin > grain) inside.store(false);
      if (slow > 0 && job % slow == 0 && (worker != 0 || end == n))
        std::this_thread::sleep_for(std::chrono::microseconds(400));
      for (int64_t i = begin; i < end; ++i) ++done[static_cast<size_t>(i)];
    });
    check(inside.load(), "a piece or a worker is out of range", job);
    check(std::all_of(done.begin(), done.end(), [](int times) { return times == 1; }),
          "an index was left out, or worked on twice", job);
    if (job % 500 == 0)  // long enough for the workers to fall asleep
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace

int main() {
  for (const int threads : {1, 2, 3, 16}) {
    jobs(threads, 3000, 37, 1, 0);
    jobs(threads, 3000, 100, 7, 0);
    jobs(threads, 200, 19, 1, 2);
    jobs(threads, 100, 1, 4, 0);
  }
  std::printf("thread_pool: %d failed\n", failed);
  return failed == 0 ? 0 : 1;
}
