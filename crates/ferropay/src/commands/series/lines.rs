//! Reading a file of series: a line of column names and one of values for each, or a JSON object a line.
//!
//! The file holds card numbers, so that nothing of it is repeated anywhere, not even the name of a column that is not
//! known: a file without column names has a card number in that place.

use ferropay_domain::{
    card::{Expiry, Pan},
    decide::{MigratedSeries, MigrationFault},
    ids::PaymentId,
    money::Currency,
    series::{Interval, Period, Plan, SeriesKind, SeriesStatus},
};
use ferropay_engine::migration::Line;
use jiff::civil::{Date, Time};
use serde_json::Value;
use std::{cmp::Ordering, collections::HashMap};

/// Every column there may be.
const COLUMNS: [&str; 14] = [
    "customer_id",
    "pan",
    "expiry",
    "scheme_id",
    "register_payment_id",
    "status",
    "type",
    "amount",
    "currency",
    "start_date",
    "start_time",
    "period",
    "period_interval",
    "scheduled_payment_id",
];

/// Longest identifier of a customer, characters.
const LONGEST_CUSTOMER: usize = 255;

/// What is wrong in which line.
type Faults = Vec<(usize, MigrationFault)>;

const fn fault(column: &'static str, why: &'static str) -> MigrationFault {
    MigrationFault { column, why }
}

/// The series of a file; all of its lines have to be readable, and there has to be one.
pub(super) fn read(text: &str) -> Result<Vec<Line>, Faults> {
    let is_json = text.trim_start().starts_with('{');
    let rows = if is_json { objects(text) } else { table(text)? };
    let (mut lines, mut faults) = (Vec::new(), Vec::new());
    for (number, cells) in rows {
        match cells.and_then(|cells| cells.line(number)) {
            Ok(line) => lines.push(line),
            Err(fault) => faults.push((number, fault)),
        }
    }
    if lines.is_empty() && faults.is_empty() {
        faults.push((1, fault("file", "there is no series in it")));
    }
    if faults.is_empty() { Ok(lines) } else { Err(faults) }
}

/// The values of a line by column, without those that are empty.
struct Cells(HashMap<&'static str, String>);

type Row = (usize, Result<Cells, MigrationFault>);

fn known(name: &str) -> Option<&'static str> {
    COLUMNS.iter().copied().find(|column| *column == name)
}

fn objects(text: &str) -> Vec<Row> {
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    lines.map(|(line, number)| (number, object(line))).collect()
}

fn object(line: &str) -> Result<Cells, MigrationFault> {
    let Ok(Value::Object(members)) = serde_json::from_str(line) else {
        return Err(fault("line", "is no JSON object"));
    };
    let mut cells = HashMap::new();
    for (name, value) in members {
        let name = known(&name).ok_or(fault("line", "has a member that is no column"))?;
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            _ => return Err(fault(name, "is neither text nor number")),
        };
        cells.insert(name, text.trim().to_owned());
    }
    cells.retain(|_, text| !text.is_empty());
    Ok(Cells(cells))
}

fn table(text: &str) -> Result<Vec<Row>, Faults> {
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
    let unreadable = |number| vec![(number, fault("line", "is not separated by commas"))];
    let headers = reader.headers().map_err(|_| unreadable(1))?.clone();
    let columns: Option<Vec<_>> = headers.iter().map(known).collect();
    let columns = columns.ok_or_else(|| vec![(1, fault("line", "names something that is no column"))])?;
    let twice = |(place, name): (usize, &&str)| columns.iter().take(place).any(|known| known == name);
    if columns.iter().enumerate().any(twice) {
        return Err(vec![(1, fault("line", "names a column twice"))]);
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let Ok(record) = record else { return Err(unreadable(rows.len().saturating_add(2))) };
        let place = record.position().map_or(0, csv::Position::line);
        let number = usize::try_from(place).unwrap_or(usize::MAX);
        let cells = match record.len().cmp(&columns.len()) {
            Ordering::Greater => Err(fault("line", "has more values than columns")),
            Ordering::Less => Err(fault("line", "has fewer values than columns")),
            Ordering::Equal => {
                let cells = columns.iter().copied().zip(record.iter().map(str::to_owned));
                Ok(Cells(cells.filter(|(_, text)| !text.is_empty()).collect()))
            }
        };
        rows.push((number, cells));
    }
    Ok(rows)
}

impl Cells {
    fn text(&self, column: &'static str) -> Option<&str> {
        self.0.get(column).map(String::as_str)
    }

    fn needed(&self, column: &'static str) -> Result<&str, MigrationFault> {
        self.text(column).ok_or(fault(column, "is missing"))
    }

    /// A value that may be missing, read by `parse`.
    fn read<T>(
        &self,
        column: &'static str,
        why: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, MigrationFault> {
        self.text(column).map(|text| parse(text).ok_or(fault(column, why))).transpose()
    }

    /// The same for one that may not.
    fn demanded<T>(
        &self,
        column: &'static str,
        why: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, MigrationFault> {
        parse(self.needed(column)?).ok_or(fault(column, why))
    }

    fn line(&self, number: usize) -> Result<Line, MigrationFault> {
        let named = |text: &str| PaymentId::parse(text).ok();
        let terms = MigratedSeries {
            registered_by: self.demanded("register_payment_id", "1 to 255 characters", named)?,
            customer: self.demanded("customer_id", "1 to 255 characters", |text| {
                (text.chars().count() <= LONGEST_CUSTOMER).then(|| text.to_owned())
            })?,
            scheme_id: self.needed("scheme_id")?.to_owned(),
            status: self.demanded("status", "active or canceled", |text| {
                [SeriesStatus::Active, SeriesStatus::Canceled].into_iter().find(|it| it.text() == text)
            })?,
            kind: self.demanded("type", "U or R", SeriesKind::from_letter)?,
            amount: self.read("amount", "a whole number of the smallest unit", |text| text.parse().ok())?,
            currency: self
                .demanded("currency", "a currency such as EUR", |text| Currency::parse(text).ok())?,
            plan: self.plan()?,
            scheduled: self.read("scheduled_payment_id", "1 to 255 characters", named)?,
        };
        Ok(Line {
            number,
            pan: self.demanded("pan", "no card number", |text| Pan::parse(text).ok())?,
            expiry: self.demanded("expiry", "a month such as 09/2029", expiry)?,
            terms,
        })
    }

    fn plan(&self) -> Result<Option<Plan>, MigrationFault> {
        let period = self.read("period", "D, W, M, Q or Y", Period::from_letter)?;
        let interval = self.read("period_interval", "1 to 100", |text| {
            text.parse::<u8>().ok().and_then(|count| Interval::try_from(count).ok())
        })?;
        let time =
            self.read("start_time", "a time such as 10:00:00", |text| Time::strptime("%H:%M:%S", text).ok())?;
        let start = self.read("start_date", "a day such as 2027-01-31", day)?;
        match period {
            Some(period) => {
                Ok(Some(Plan { period, interval: interval.unwrap_or(Interval::ONE), time, start }))
            }
            None if interval.is_some() || time.is_some() || start.is_some() => {
                Err(fault("period", "is missing beside other terms of a schedule"))
            }
            None => Ok(None),
        }
    }
}

/// A day as `YYYY-MM-DD` or `DD-MM-YYYY`.
fn day(text: &str) -> Option<Date> {
    Date::strptime("%Y-%m-%d", text).or_else(|_| Date::strptime("%d-%m-%Y", text)).ok()
}

/// A month as `MM/YYYY` or `MM/YY`.
fn expiry(text: &str) -> Option<Expiry> {
    let (month, year) = text.split_once('/')?;
    let digits = |text: &str, most| {
        let right = text.len() <= most && text.bytes().all(|it| it.is_ascii_digit());
        right.then(|| text.parse::<u16>().ok()).flatten()
    };
    let month = digits(month, 2).and_then(|month| u8::try_from(month).ok())?;
    let year = match year.len() {
        2 => digits(year, 2)?.checked_add(2000)?,
        4 => digits(year, 4)?,
        _ => return None,
    };
    (1..=12).contains(&month).then_some(Expiry { year, month })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, time};

    const HEAD: &str = "customer_id,pan,expiry,scheme_id,register_payment_id,status,type,amount,currency,start_date,\
                        start_time,period,period_interval,scheduled_payment_id";

    fn one(text: &str) -> Line {
        let mut lines = read(text).unwrap_or_else(|faults| panic!("{faults:?}"));
        assert_eq!(lines.len(), 1);
        lines.remove(0)
    }

    fn faults(text: &str) -> Vec<String> {
        let faults = read(text).err().unwrap();
        faults.iter().map(|(line, fault)| format!("{line} {fault}")).collect()
    }

    // G-367
    #[test]
    fn a_series_is_read_from_a_table_as_from_objects() {
        let table = format!(
            "{HEAD}\nreader-7,4314220000000056,09/2029,MCC123456789012,reg-1,active,R,900,EUR,31-01-2027,10:00:00,M,3,rent\n"
        );
        let object = r#"{"customer_id":"reader-7","pan":4314220000000056,"expiry":"09/29","scheme_id":"MCC123456789012",
            "register_payment_id":"reg-1","status":"active","type":"R","amount":900,"currency":"EUR",
            "start_date":"2027-01-31","start_time":"10:00:00","period":"M","period_interval":3,
            "scheduled_payment_id":"rent"}"#;
        let object = object.replace('\n', " ");
        for text in [table.as_str(), &object] {
            let Line { pan, expiry, terms, .. } = one(text);
            assert_eq!((pan.masked().as_str(), expiry.year, expiry.month), ("431422******0056", 2029, 9));
            assert_eq!((terms.customer.as_str(), terms.registered_by.as_str()), ("reader-7", "reg-1"));
            assert_eq!((terms.kind, terms.status), (SeriesKind::Regular, SeriesStatus::Active));
            assert_eq!((terms.amount, terms.currency.code()), (Some(900), "EUR"));
            let plan = terms.plan.unwrap();
            assert_eq!((plan.period, u8::from(plan.interval)), (Period::Month, 3));
            assert_eq!((plan.start, plan.time), (Some(date(2027, 1, 31)), Some(time(10, 0, 0, 0))));
            assert_eq!(terms.scheduled.unwrap().as_str(), "rent");
        }
        let short = "pan,customer_id,expiry,scheme_id,register_payment_id,status,type,currency\n\
                     4314220000000056,reader-7,1/2029,MCC1,reg-1,canceled,U,USD";
        let Line { terms, number, .. } = one(short);
        assert_eq!((number, terms.plan, terms.amount, terms.scheduled), (2, None, None, None));
    }

    // G-367
    #[test]
    fn every_wrong_line_is_told_with_its_column_and_no_line_is_repeated() {
        let wrong = format!(
            "{HEAD}\n\
             r,4314220000000057,09/2029,M1,a,active,U,,EUR,,,,,\n\
             r,4314220000000056,13/2029,M1,b,active,U,,EUR,,,,,\n\
             r,4314220000000056,09/2029,M1,c,expired,U,,EUR,,,,,\n\
             r,4314220000000056,09/2029,M1,d,active,X,,EUR,,,,,\n\
             r,4314220000000056,09/2029,M1,e,active,U,1.5,EUR,,,,,\n\
             r,4314220000000056,09/2029,M1,f,active,R,9,EUR,,,M,101,\n\
             r,4314220000000056,09/2029,M1,g,active,R,9,EUR,2027-02-30,,M,1,x\n\
             r,4314220000000056,09/2029,M1,h,active,R,9,EUR,2027-02-28,,,,x\n\
             ,4314220000000056,09/2029,M1,i,active,U,,EUR,,,,,\n\
             r,4314220000000056,09/2029,M1,j,active,U,,EUR,,,,,,4314220000000056\n\
             r,4314220000000056,09/2029,M1,k,active,R,9,EUR,2027-02-28,,M\n"
        );
        let said = faults(&wrong);
        let columns: Vec<_> = said.iter().filter_map(|it| it.split(':').next()).collect();
        assert_eq!(
            columns,
            [
                "2 pan",
                "3 expiry",
                "4 status",
                "5 type",
                "6 amount",
                "7 period_interval",
                "8 start_date",
                "9 period",
                "10 customer_id",
                "11 line",
                "12 line"
            ]
        );
        let twice = faults("pan,customer_id,pan\n1,2,3");
        assert_eq!(twice, ["1 line: names a column twice"]);
        for text in [
            "4314220000000056,reader-7\n4314220000000056,reader-8",
            "{\"4314220000000056\":1}",
            "{\"pan\":[4314220000000056]}",
            "{4314220000000056",
            "\"4314220000000056",
            "",
        ] {
            let said = faults(text);
            assert_eq!(said.len(), 1, "{said:?}");
            assert!(!said.concat().contains("4314220000000056"), "{said:?}");
        }
    }
}
