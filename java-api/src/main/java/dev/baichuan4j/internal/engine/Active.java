package dev.baichuan4j.internal.engine;

import dev.baichuan4j.internal.engine.draft.Acceptance;
import dev.baichuan4j.internal.engine.draft.Drafter;

/** A text that is being read or written, and its part in the step at hand. */
final class Active {
  final Request request;
  final Sequence sequence;
  final long age; // the order in which texts began
  boolean told; // that it has started
  int fed; // tokens of this step, its drafts among them
  int row; // the first of its rows of logits in this step
  int rows;
  int hidden; // tokens of this step whose hidden states it wants
  int firstHidden; // number of the first one in the step
  Drafter drafter; // null as long as it has had no drafts
  Acceptance acceptance;
  int evidence; // of its drafts in this step
  Sequence guessed; // what a draft model has of it; null for nothing
  boolean unguessed; // it goes without the draft model

  Active(Request request, Sequence sequence, long age) {
    this.request = request;
    this.sequence = sequence;
    this.age = age;
  }

  /** It has no part in the step that is made or under way. */
  void leaveStep() {
    fed = 0;
    rows = 0;
    hidden = 0;
  }
}
