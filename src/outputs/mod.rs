//! Invoice files, statements, reports and mails: a batch becomes bytes, and files appear whole or not at all.
