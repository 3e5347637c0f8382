/* The kinds of task: which screen is whose, what settles what, and what an empty queue says. A new kind is a line here. */

const DIFFER = 'Nothing to settle yet';

/** `role` does it on `screen`, as the top bar calls it; `settling`: the kind that settles its differences; `empty`: title and text. */
export const KINDS = {
  scenario_review: { role: 'annotator', screen: 'Review', settling: 'adjudication', empty: ['Nothing to review yet', 'Nobody has loaded any scenarios. A maintainer can do so with “curator init --starter”.'] },
  leakage_check: { role: 'annotator', screen: 'Leakage', settling: 'leakage_adjudication', empty: ['Nothing to check yet', 'A maintainer opens leakage checks with “curator leakage open”.'] },
  judge_audit: { role: 'annotator', screen: 'Audit', settling: 'judge_consensus', empty: ['Nothing to score yet', 'A maintainer opens a study of the judge with “curator study create”.'] },
  failure_labels: { role: 'annotator', screen: 'Failures', empty: ['Nothing to label yet', 'A maintainer opens a study of failed answers with “curator failures create”.'] },
  adjudication: { role: 'adjudicator', screen: 'Adjudicate', empty: [DIFFER, 'Items come here when reviewers differ or ask for a revision.'] },
  leakage_adjudication: { role: 'adjudicator', screen: 'Adjudicate', empty: [DIFFER, 'Leakage checks come here when no majority agrees on what to do.'] },
  judge_consensus: { role: 'adjudicator', screen: 'Adjudicate', empty: [DIFFER, 'Answers come here when the annotators of a study have all scored them and differ.'] },
};

export const settles = (kind) => KINDS[kind]?.role === 'adjudicator';

/** The kind that the address asks for: `first`, or the one that settles its differences. */
export function kindOfPage(first) {
  const { settling } = KINDS[first];
  return new URLSearchParams(location.search).get('kind') === settling ? settling : first;
}

/** The keys of every screen that settles: take one of the answers, then Enter. */
export const TAKE_ACTIONS = ['first', 'second', 'third'].map((which, place) => ({ id: `take_${place + 1}`, text: `Take the ${which} answer`, key: String(place + 7), group: 'Settle' }));

export const settleHint = ({ note, verdict }) => (note.trim() ? (verdict ? 'Enter settles it' : '') : 'A note is needed to settle it');
