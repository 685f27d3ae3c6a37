//! Against the schema of ETSI TS 119 102-2 as pyHanko has it.

use antin::core::report::xml;

use super::{reports, run};
use crate::oracles::python_with_pyhanko;

#[test]
fn every_report_is_one_of_ts_119_102_2() {
    let Some(python) = python_with_pyhanko() else { return };
    for (name, report) in reports() {
        let written = xml::render(&report);
        let output = run(&python, "schema.py", &written);
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
        assert!(output.status.success(), "{name}: {said}\n{written}");
    }
}

/// The check itself finds what is wrong.
#[test]
fn a_report_in_another_order_is_refused() {
    let Some(python) = python_with_pyhanko() else { return };
    let (_, report) = reports().into_iter().find(|(name, _)| *name == "passed").expect("passed");
    let written = xml::render(&report);
    for (from, to, fault) in [
        ("<MainIndication>", "<SubIndication>x</SubIndication><MainIndication>", "MainIndication does not belong here"),
        ("<HashOnly>false</HashOnly>", "", "HashOnly is missing"),
        ("VOReference=\"certificate-", "VOReference=\"certificates-", "which is not there"),
        ("id=\"signature-1\"", "name=\"signature-1\"", "no attribute name"),
        ("<ValidationTime>2", "<ValidationTime>x2", "no dateTime"),
    ] {
        let output = run(&python, "schema.py", &written.replace(from, to));
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success() && said.contains(fault), "{from}: {said}");
    }
}
