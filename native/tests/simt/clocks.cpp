#include "clocks.h"

#include <algorithm>

#include "machine.h"

namespace simt {

static void raise(Known& known, const Known& other) {
  known.clock = std::max(known.clock, other.clock);
  known.fenced = std::max(known.fenced, other.fenced);
}

static bool is_within(const Known& known, const Known& other) {
  return known.clock <= other.clock && known.fenced <= other.fenced;
}

static size_t index_of(uint32_t who) {
  return who / kLanes < machine.warps ? who / kLanes : who - machine.warps * (kLanes - 1);
}

Known Clocks::at(uint32_t who) const {
  const size_t index = index_of(who);
  Known known = index < warps_.size() ? warps_[index] : Known{};
  if (lanes_.empty()) return known;
  const auto found = std::lower_bound(lanes_.begin(), lanes_.end(), who,
                                      [](const Lane& l, uint32_t w) { return l.thread < w; });
  if (found != lanes_.end() && found->thread == who) raise(known, found->known);
  return known;
}

Clock Clocks::of(uint32_t who) const { return at(who).clock; }
Clock Clocks::fenced_of(uint32_t who) const { return at(who).fenced; }

Known& Clocks::place(size_t index) {
  if (index >= warps_.size()) warps_.resize(index + 1);
  return warps_[index];
}

void Clocks::drop_known_lanes() {
  const auto known = [&](const Lane& lane) {
    const size_t index = lane.thread / kLanes;
    return index < warps_.size() && is_within(lane.known, warps_[index]);
  };
  lanes_.erase(std::remove_if(lanes_.begin(), lanes_.end(), known), lanes_.end());
}

void Clocks::learn_warp(uint32_t warp, Clock clock) {
  raise(place(warp), {clock, 0});
  if (!lanes_.empty()) drop_known_lanes();
}

void Clocks::learn_unit(uint32_t unit, Clock clock) { raise(place(index_of(unit)), {clock, 0}); }

void Clocks::learn_thread(uint32_t thread, Clock clock) {
  if (clock <= of(thread)) return;
  const auto found = std::lower_bound(lanes_.begin(), lanes_.end(), thread,
                                      [](const Lane& l, uint32_t t) { return l.thread < t; });
  if (found != lanes_.end() && found->thread == thread) {
    raise(found->known, {clock, 0});
  } else {
    lanes_.insert(found, {thread, {clock, 0}});
  }
}

void Clocks::join(const Clocks& other) {
  if (warps_.size() < other.warps_.size()) warps_.resize(other.warps_.size());
  for (size_t i = 0; i < other.warps_.size(); ++i) raise(warps_[i], other.warps_[i]);
  if (!other.lanes_.empty()) {
    std::vector<Lane> both;
    both.reserve(lanes_.size() + other.lanes_.size());
    auto mine = lanes_.begin();
    for (const Lane& lane : other.lanes_) {
      for (; mine != lanes_.end() && mine->thread < lane.thread; ++mine) both.push_back(*mine);
      both.push_back(lane);
      if (mine != lanes_.end() && mine->thread == lane.thread)
        raise(both.back().known, (mine++)->known);
    }
    both.insert(both.end(), mine, lanes_.end());
    lanes_ = std::move(both);
  }
  if (!lanes_.empty()) drop_known_lanes();
}

bool Clocks::covers(const Clocks& other) const {
  for (size_t i = 0; i < other.warps_.size(); ++i) {
    if (!is_within(other.warps_[i], i < warps_.size() ? warps_[i] : Known{})) return false;
  }
  return std::all_of(other.lanes_.begin(), other.lanes_.end(),
                     [&](const Lane& lane) { return is_within(lane.known, at(lane.thread)); });
}

void Clocks::keep_common(const Clocks& other) {
  using Lanes = std::vector<Lane>;
  // What is known of a thread: what is known of its warp and, if `lane` is the thread's, what is known
  // of that lane.
  const auto known = [](const std::vector<Known>& warps, uint32_t thread,
                        Lanes::const_iterator& lane, Lanes::const_iterator end) {
    const size_t index = thread / kLanes;
    Known all = index < warps.size() ? warps[index] : Known{};
    if (lane != end && lane->thread == thread) raise(all, (lane++)->known);
    return all;
  };
  Lanes lanes;
  lanes.reserve(lanes_.size() + other.lanes_.size());
  auto mine = lanes_.cbegin();
  auto its = other.lanes_.cbegin();
  const auto mine_end = lanes_.cend();
  const auto its_end = other.lanes_.cend();
  while (mine != mine_end || its != its_end) {
    const uint32_t thread = its == its_end || (mine != mine_end && mine->thread < its->thread)
                                ? mine->thread
                                : its->thread;
    const Known a = known(warps_, thread, mine, mine_end);
    const Known b = known(other.warps_, thread, its, its_end);
    lanes.push_back({thread, {std::min(a.clock, b.clock), std::min(a.fenced, b.fenced)}});
  }
  if (warps_.size() > other.warps_.size()) warps_.resize(other.warps_.size());
  for (size_t i = 0; i < warps_.size(); ++i) {
    warps_[i].clock = std::min(warps_[i].clock, other.warps_[i].clock);
    warps_[i].fenced = std::min(warps_[i].fenced, other.warps_[i].fenced);
  }
  lanes_ = std::move(lanes);
  drop_known_lanes();
}

void Clocks::fence() {
  for (Known& known : warps_) known.fenced = std::max(known.fenced, known.clock);
  for (Lane& lane : lanes_) lane.known.fenced = std::max(lane.known.fenced, lane.known.clock);
}

const Clocks* OtherBlocks::find(uint32_t block) const {
  for (const auto& entry : all_) {
    if (entry.first == block) return &entry.second;
  }
  return nullptr;
}

void OtherBlocks::join(uint32_t block, const Clocks& clocks) {
  for (auto& entry : all_) {
    if (entry.first == block) return entry.second.join(clocks);
  }
  all_.emplace_back(block, clocks);
}

void OtherBlocks::join(const OtherBlocks& others) {
  for (const auto& entry : others.all_) join(entry.first, entry.second);
}

}  // namespace simt
