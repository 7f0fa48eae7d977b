// The cards of the payments service's sandbox, as its own documentation lists them, and its reasons in words.

export const sandboxCards: { number: string; does: string }[] = [
  { number: '4242424242424242', does: 'approved' },
  { number: '5555555555554444', does: 'approved' },
  { number: '4000000000009995', does: 'declined: insufficient funds' },
  { number: '4000000000009979', does: 'declined: stolen card' },
  { number: '4000000000000077', does: 'approved after a while' },
  { number: '4000000000000341', does: 'declined after a while' },
  { number: '4000000000000119', does: 'approved, but the answer is lost' },
];

const reasons: Partial<Record<string, string>> = {
  insufficient_funds: 'there is not enough money on it',
  stolen_card: 'it was reported stolen',
  expired_card: 'it has expired',
  not_a_test_card: 'only test cards work in this sandbox',
};

/** A decline's reason for people; codes that are not known are shown as words. */
export const reasonWords = (reason: string): string => reasons[reason] ?? reason.replace(/_/g, ' ');
