//! What every store must do, one function per rule, against the interface alone. Each database runs the same
//! rules; what only one of them has (a file to copy, a header to read) is tested beside it.

#[cfg(test)]
#[macro_use]
mod rules;

#[cfg(test)]
mod archive_faults;
#[cfg(test)]
mod archives;
#[cfg(test)]
mod backlog;
#[cfg(test)]
mod books;
#[cfg(test)]
mod card_ranges;
#[cfg(test)]
mod custody;
#[cfg(test)]
mod exchange;
#[cfg(test)]
mod guards;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod nodes;
#[cfg(test)]
mod other_database;
#[cfg(test)]
mod payouts;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod records;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod risk;
#[cfg(test)]
mod scenario;
#[cfg(test)]
mod sequences;
#[cfg(test)]
mod series;
#[cfg(test)]
mod silence;
#[cfg(test)]
mod sqlite;
#[cfg(test)]
mod texts;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod upgrades;
