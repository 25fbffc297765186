#include "thread_pool.h"

#include <chrono>
#include <cstring>
#include <system_error>

#ifdef __linux__
#include <pthread.h>
#include <sched.h>
#endif

#include "error.h"

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

namespace bc {
namespace {

constexpr uint64_t kOpen = uint64_t{1} << 15;
constexpr uint64_t kInside = kOpen - 1;

// The ops of a decode step follow each other within microseconds; a worker that waits longer sleeps.
constexpr std::chrono::microseconds kSpin{200};
// A piece takes tens of microseconds; a worker that is not back after this was preempted.
constexpr std::chrono::microseconds kSpinForWorkers{100};

inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

// Whether the condition still holds when the time is up.
template <class Condition>
bool spin_while(Condition&& condition, std::chrono::microseconds longest) {
  const auto deadline = std::chrono::steady_clock::now() + longest;
  do {
    for (int i = 0; i < 64; ++i) {
      if (!condition()) return false;
      pause();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  return true;
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  const int wanted = threads > 1 ? threads - 1 : 0;
  try {
    workers_.reserve(static_cast<size_t>(wanted));
    for (int i = 1; i <= wanted; ++i) workers_.emplace_back([this, i] { serve(i); });
  } catch (const std::system_error& e) {
    // A thread that is destroyed before it is joined ends the process.
    const int had = static_cast<int>(workers_.size());
    join();
    fail(BC_DEVICE,
         "threads: process may have %d more, expected %d (%s); lower threads or raise ulimit -u / "
         "pids.max",
         had, wanted, e.code().message().c_str());
  } catch (...) {
    join();
    throw;
  }
}

ThreadPool::~ThreadPool() { join(); }

void ThreadPool::join() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stop_.store(true);
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
}

void ThreadPool::pin(const std::vector<int>& cores) {
#ifdef __linux__
  cpu_set_t before;
  const pthread_t caller = pthread_self();
  if (workers_.size() + 1 > cores.size()) {
    fail(BC_INVALID_ARGUMENT,
         "context_pin: context has %d threads, expected at most %d, the physical cores that this "
         "thread may use",
         threads(), static_cast<int>(cores.size()));
  }
  int error = pthread_getaffinity_np(caller, sizeof before, &before);
  const auto bind = [&](size_t i, const cpu_set_t& set) {
    return pthread_setaffinity_np(i == 0 ? caller : workers_[i - 1].native_handle(), sizeof set,
                                  &set);
  };
  for (size_t i = 0; i <= workers_.size() && error == 0; ++i) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<size_t>(cores[i]), &one);
    error = bind(i, one);
    if (error != 0) {
      while (i-- > 0) bind(i, before);
      break;
    }
  }
  if (error != 0)
    fail(BC_DEVICE, "context_pin: the system refused to bind a thread: %s", std::strerror(error));
#else
  static_cast<void>(cores);
  fail(BC_INVALID_ARGUMENT, "context_pin: this system cannot bind threads, expected Linux");
#endif
}

void ThreadPool::run(const Job& job) {
  job_ = job;
  next_.store(0, std::memory_order_relaxed);
  const uint64_t number = (state_.load(std::memory_order_relaxed) >> 16) + 1;
  state_.store(number << 16 | kOpen);
  if (sleepers_.load() > 0) {
    std::lock_guard<std::mutex> lock(mutex_);
    wake_.notify_all();
  }
  work(0);
  state_.fetch_and(~kOpen);
  const auto inside = [&] { return (state_.load() & kInside) != 0; };
  if (!spin_while(inside, kSpinForWorkers)) return;
  std::unique_lock<std::mutex> lock(mutex_);
  caller_sleeps_.store(true);
  left_.wait(lock, [&] { return !inside(); });
  caller_sleeps_.store(false);
}

void ThreadPool::work(int worker) {
  const Job job = job_;
  for (;;) {
    const int64_t begin = next_.fetch_add(job.grain, std::memory_order_relaxed);
    if (begin >= job.n) return;
    job.call(job.body, begin, begin + job.grain < job.n ? begin + job.grain : job.n, worker);
  }
}

void ThreadPool::serve(int worker) {
  uint64_t done = 0;  // number of the last job this worker was part of
  while (!stop_.load(std::memory_order_relaxed)) {
    uint64_t state = state_.load(std::memory_order_acquire);
    if ((state & kOpen) != 0 && state >> 16 != done) {
      if (!state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel)) continue;
      done = state >> 16;
      work(worker);
      state_.fetch_sub(1);
      if (caller_sleeps_.load()) {
        std::lock_guard<std::mutex> lock(mutex_);
        left_.notify_one();
      }
      continue;
    }
    const auto waits = [&] {
      const uint64_t now = state_.load(std::memory_order_acquire);
      return !stop_.load(std::memory_order_relaxed) && ((now & kOpen) == 0 || now >> 16 == done);
    };
    if (!spin_while(waits, kSpin)) continue;
    std::unique_lock<std::mutex> lock(mutex_);
    sleepers_.fetch_add(1);
    wake_.wait(lock, [&] { return !waits(); });
    sleepers_.fetch_sub(1);
  }
}

}  // namespace bc
