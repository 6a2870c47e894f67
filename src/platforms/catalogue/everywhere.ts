import type { OutboundKind } from '../../lib/fetch.ts'
import type { Catalogue, Entry } from './entry.ts'

/** The post does not fit the account's limits: found before anything is sent. */
export const misfits = {
  empty: {
    outcome: 'rejected',
    cause: 'The post has neither text nor a picture.',
    next: 'Write something and publish again.',
  },
  text_too_long: {
    outcome: 'rejected',
    cause: 'The text is longer than this account takes, counted as its platform counts.',
    next: 'Shorten the text, or give this account a shorter variant.',
  },
  too_many_images: {
    outcome: 'rejected',
    cause: 'The post has more pictures than this account takes.',
    next: 'Remove pictures, or give this account a variant with fewer.',
  },
  image_type: {
    outcome: 'rejected',
    cause: 'A picture is of a kind that this account does not take.',
    next: 'Upload it as JPEG, PNG or WebP.',
  },
  image_too_large: {
    outcome: 'rejected',
    cause: 'A picture is too large, or could not be read to make it smaller.',
    next: 'Upload a smaller copy of it.',
  },
  alt_too_long: {
    outcome: 'rejected',
    cause: 'The alt text of a picture is longer than this account takes.',
    next: 'Shorten it.',
  },
} as const satisfies Catalogue

/** What happens on our side where the parts of a thread and first comments are posts of their own. */
export const replies = {
  parent_unknown: {
    outcome: 'rejected',
    cause: 'The post is out, but its id at the platform is not known here, so nothing can answer it.',
    next: 'Write the first comment there yourself.',
  },
  called_off_partly: {
    outcome: 'rejected',
    cause: 'It was called off after a part of it had gone out. Nothing more is sent.',
    next: 'The parts that are out stand on the job’s page. Delete them there if they should not stay, or send the rest.',
  },
} as const satisfies Catalogue

const wait =
  'Nothing to do at first: it is tried again. If it goes on, check whether the address is right and the service is up.'

/** A call that brought no usable answer; the codes are `network_` and the kind of the outbound client's error. */
export const network = {
  network_address: {
    outcome: 'retry',
    cause: 'The address is not one that this server calls: it leads inside, or is no web address.',
    next: 'Connect the account again with an address in the open internet, or ask the operator to allow this one.',
  },
  network_dns: { outcome: 'retry', cause: 'The server’s name could not be found.', next: wait },
  network_connect: { outcome: 'retry', cause: 'No connection could be made.', next: wait },
  network_tls: {
    outcome: 'retry',
    cause: 'The encrypted connection failed: the certificate is expired, or not that server’s.',
    next: wait,
  },
  network_timeout: { outcome: 'retry', cause: 'The server did not answer in time.', next: wait },
  network_too_large: { outcome: 'retry', cause: 'The answer was larger than an answer may be.', next: wait },
  network_aborted: {
    outcome: 'retry',
    cause: 'The call was called off: this server was stopping, or the attempt’s time was up.',
    next: 'Nothing to do: it is tried again.',
  },
  network_reset: {
    outcome: 'retry',
    cause: 'The connection broke before the answer was complete.',
    next: wait,
  },
} as const satisfies Readonly<Record<`network_${OutboundKind}`, Entry>>

const look = 'Look at the account, then tell us: it is there, send it again, or give up.'

/** What happens on our side, whatever the platform. */
export const ours = {
  uncatalogued: {
    outcome: 'retry',
    cause:
      'An answer that this version does not know. We look whether the post is there if it may be, else it is tried again.',
    says: 'The platform answered something that this version does not know ({status} {error}).',
    next: 'Nothing to do at first. If it goes on, ask whoever runs this server: the answer is kept with the attempt.',
  },
  reconnect_needed: {
    outcome: 'reconnect',
    cause: 'The account has to be connected again before this can go out.',
    next: 'Reconnect the account: the post then goes out by itself.',
  },
  account_gone: {
    outcome: 'rejected',
    cause: 'The account or the content of this post is no longer here.',
    next: 'Connect the account again and schedule the content anew.',
  },
  internal: {
    outcome: 'retry',
    cause: 'Something went wrong on our side while talking to the platform.',
    next: 'It is written in the log. The post is not sent twice.',
  },
  broke_off: {
    outcome: 'rejected',
    cause: 'Sending broke off several times without a word, so it is not tried again by itself.',
    next: 'Look at the account. What broke it off is in the server’s log; try again when the cause is gone.',
  },
  never_told: {
    outcome: 'unconfirmed',
    cause: 'The platform took the post a day ago and has not said what became of it.',
    next: look,
  },
  broken_off: {
    outcome: 'unconfirmed',
    cause: 'It was being sent when the workspace was suspended, imported or put back, and it broke off.',
    next: look,
  },
  late_unsure: {
    outcome: 'unconfirmed',
    cause: 'It may be out already: an answer was lost, and by now it is too late to try again unasked.',
    next: look,
  },
  called_off_unsure: {
    outcome: 'unconfirmed',
    cause: 'It was called off while it was not known whether it had gone out. Nothing more is sent.',
    next: look,
  },
  picture_changed: {
    outcome: 'rejected',
    cause: 'The file of a picture is not the one that was saved: it was changed or damaged on the server.',
    next: 'Upload the picture again, put it into the post, and save. Nothing was sent.',
  },
  seal_broken: {
    outcome: 'held',
    cause:
      'What would have gone out is not what was approved, or nobody has approved it, so nothing was sent.',
    next: 'Look at what changed and approve it as it is now: the post then goes out by itself.',
  },
  outside_window: {
    outcome: 'held',
    cause: 'It was approved to go out within a certain time only, and its moment is not in that time.',
    next: 'Move it into that time, or have it approved for another one: the post then goes out by itself.',
  },
  brake: {
    outcome: 'held',
    cause: 'Somebody has put a brake on the workspace, or on the account, a tag or a word of this post.',
    next: 'It waits until the brake is taken off or has run out.',
  },
  held_back: {
    outcome: 'retry',
    cause: 'A brake was put on while the post was about to be sent, so it was held back unsent.',
    next: 'Nothing to do: it goes out when it may.',
  },
  late: {
    outcome: 'held',
    cause: 'Its moment passed by more than the limit, so it is not sent without being asked about.',
    next: 'Send it now, choose another time, or cancel it.',
  },
  out_already: {
    outcome: 'held',
    cause: 'The workspace was put back, and the same content had gone out to this account in between.',
    next: 'Cancel it, or send it all the same.',
  },
  missed: {
    outcome: 'cancelled',
    cause: 'The moment of a post that repeats passed before it could be planned.',
    next: 'The next one of its rule goes out as planned. Schedule this one by hand if you want it all the same.',
  },
  skipped: {
    outcome: 'cancelled',
    cause: 'This one of a post that repeats was left out by hand.',
    next: 'Plan it all the same on its page, while its moment is still to come.',
  },
  planned_already: {
    outcome: 'cancelled',
    cause: 'Two rules meet: the same post goes to this account at this moment anyway.',
    next: 'There is nothing to do.',
  },
} as const satisfies Catalogue
