use log_ingestion_worker::config::Environment::{Development as Dev, Production as Prod};
use proptest::prelude::*;

use super::*;

/// As such files are: both forms, odd blanks, remarks, letters beyond ASCII, Windows line ends in places.
const WILD: &str = "\u{feff}# Konfiguration für alle 🚀\r\n\
\n\
| TARGET | GROUP | KEY | DEV_VALUE | PROD_VALUE |\r\n\
|:------|:----:|---|-----------|--------:|\r\n\
|NEXTJS,CONVEX|App|SITE_URL|http://localhost:3000|https://app.example.com|\n\
\t| LOG_WORKER ,  convex|  Größe  |\tLIMIT |5 000 # not a remark|   |  \r\n\
  | WORKER | a \\| b | PIPED | one \\| two \\\\| three | = \"quoted\" 'too' \\ |\n\
| GITHUB | Old | OLDER | the same=both |\n\
<!-- | NEXTJS | off | HIDDEN | a | b | -->\n\
| GITHUB||EMPTY|||";

fn read(text: &str) -> Table {
    Table::parse(text.as_bytes()).unwrap()
}

#[test]
fn a_table_of_the_wild_is_read_and_comes_back_byte_for_byte() {
    let table = read(WILD);
    assert_eq!(table.problems(), []);
    assert_eq!(table.text(), WILD);
    let rows: Vec<(&str, &str, &str)> =
        table.rows().iter().map(|row| (row.key.as_str(), row.value(Dev), row.value(Prod))).collect();
    assert_eq!(
        rows,
        [
            ("SITE_URL", "http://localhost:3000", "https://app.example.com"),
            ("LIMIT", "5 000 # not a remark", ""),
            ("PIPED", r"one | two \| three", r#"= "quoted" 'too' \"#),
            ("OLDER", "the same=both", "the same=both"),
            ("EMPTY", "", ""),
        ]
    );
    assert_eq!(table.rows()[1].targets, [Target::Worker, Target::Convex]);
    assert_eq!((table.rows()[2].group.as_str(), table.rows()[3].is_shared()), ("a | b", true));
}

#[test]
fn what_cannot_be_read_is_named_by_line_and_column_and_kept() {
    let text = "| NEXTJS | g | GOOD | a | b |\n\
                | NEXTJS, MARS | g | BAD-KEY | a | b |\n\
                | NEXTJS | g | ÄÖ | KEY | a | b |\n\
                | | g | KEY | a | b |\n\
                | NEXTJS | g | KEY | a | b | a remark\n";
    let table = read(text);
    let said: Vec<String> = table.problems().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "line 2, column 3: \"MARS\" is no target",
            "line 2, column 22: \"BAD-KEY\" is no key",
            "line 3, column 31: a row has 5 cells, or 4 in the older form; this one has 6",
            "line 4, column 3: the row names no target",
            "line 5, column 38: the row does not end with |",
        ]
    );
    assert_eq!((table.rows().len(), table.text().as_str()), (1, text));
    let problem = Table::parse(b"one\n# \xc3\xa4 \xff").unwrap_err();
    assert_eq!((problem.line, problem.column), (2, 5));
}

#[test]
fn only_the_cell_that_is_set_changes() {
    let mut table = read(WILD);
    table.set(0, Prod, "https://new.example.com").unwrap();
    table.set(4, Dev, "a|b").unwrap();
    table.set(4, Prod, "c\\").unwrap();
    table.set(3, Prod, "another").unwrap();
    let expected = WILD
        .replace("https://app.example.com", "https://new.example.com")
        .replace("||EMPTY|||", "||EMPTY|a\\|b|c\\ |")
        .replace("the same=both", "another");
    assert_eq!(table.text(), expected);
    assert_eq!((table.rows()[4].value(Dev), table.rows()[4].value(Prod)), ("a|b", "c\\"));
    assert!(table.set(0, Dev, "two\nlines").is_err() && table.set(0, Dev, " blank").is_err());
}

#[test]
fn a_table_shows_no_value() {
    let shown = format!("{:?} {:?}", read(WILD), read(WILD).into_production());
    assert!(
        shown.contains("SITE_URL") && !shown.contains("example.com") && !shown.contains("5 000"),
        "{shown}"
    );
}

/// A value that a cell can say: one line, no blank at its ends.
fn value() -> impl Strategy<Value = String> {
    r"([^\r\n]{0,12}|[|\\ \t#='`$]{0,12})".prop_map(|text: String| text.trim_matches([' ', '\t']).to_owned())
}

proptest! {
    #[test]
    fn any_text_comes_back_byte_for_byte(text in r"([ -~\t|\\äß🚀\u{feff}]|\r?\n){0,200}") {
        prop_assert_eq!(read(&text).text(), text);
    }

    #[test]
    fn any_value_that_is_set_is_read_back(values in proptest::collection::vec((value(), value()), 1..5)) {
        let mut table = read(&"|NEXTJS|g|KEY| x|y |\r\n".repeat(values.len()));
        for (index, (development, production)) in values.iter().enumerate() {
            table.set(index, Dev, development).unwrap();
            table.set(index, Prod, production).unwrap();
        }
        let again = read(&table.text());
        let rows: Vec<_> =
            again.rows().iter().map(|row| (row.value(Dev).to_owned(), row.value(Prod).to_owned())).collect();
        prop_assert_eq!(rows, values);
    }
}
