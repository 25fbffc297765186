// A pool of threads that stays hot between the ops of a step.
//
// A job is open while its caller works on it. Workers join an open job, take pieces from a shared
// counter and leave; the caller closes the job when no piece is left and waits only for workers
// that joined. A worker that the OS has preempted therefore never holds up a job that it has no part
// in. If the OS preempts a worker in the middle of a job, the caller sleeps, so that the worker can
// run on the caller's core.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace bc {

class ThreadPool {
 public:
  // If the system refuses a thread, fails with BC_DEVICE and leaves none behind.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Threads that work on a job, the caller included.
  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Binds the calling thread to cores[0] and worker i to cores[i], all of them or none.
  void pin(const std::vector<int>& cores);

  // Runs body(begin, end, worker) over [0, n) in pieces of at most `grain`; worker is in [0,
  // threads()). The body must not throw and must not start a job itself.
  template <class F>
  void parallel_for(int64_t n, int64_t grain, F&& body) {
    if (n <= 0) return;
    if (grain < 1) grain = 1;
    if (workers_.empty() || n <= grain) {
      for (int64_t begin = 0; begin < n; begin += grain)
        body(begin, begin + grain < n ? begin + grain : n, 0);
      return;
    }
    using Body = std::remove_reference_t<F>;
    run(Job{n, grain,
            [](void* b, int64_t begin, int64_t end, int worker) {
              (*static_cast<Body*>(b))(begin, end, worker);
            },
            const_cast<void*>(static_cast<const void*>(&body))});
  }

 private:
  struct Job {
    int64_t n;
    int64_t grain;
    void (*call)(void*, int64_t, int64_t, int);
    void* body;
  };

  void run(const Job& job);
  void work(int worker);
  void serve(int worker);
  // Ends and joins the workers that were made.
  void join();

  // The job's number << 16 | whether it is open << 15 | how many workers are inside.
  std::atomic<uint64_t> state_{0};
  alignas(64) std::atomic<int64_t> next_{0};
  alignas(64) Job job_{};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable left_;
  std::atomic<int> sleepers_{0};
  std::atomic<bool> caller_sleeps_{false};
  std::atomic<bool> stop_{false};
  std::vector<std::thread> workers_;
};

}  // namespace bc
