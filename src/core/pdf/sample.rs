//! Small files for tests.

/// A file of these objects, numbered from 1, the first its catalogue.
pub fn file(objects: &[String]) -> Vec<u8> {
    let mut octets = b"%PDF-1.7\n".to_vec();
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(octets.len());
        octets.extend(format!("{} 0 obj\n{object}\nendobj\n", index + 1).into_bytes());
    }
    let at = octets.len();
    octets.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).into_bytes());
    for offset in offsets {
        octets.extend(format!("{offset:010} 00000 n \n").into_bytes());
    }
    let size = objects.len() + 1;
    octets.extend(format!("trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{at}\n%%EOF\n").into_bytes());
    octets
}

/// A stream with these entries beside its length.
pub fn stream(entries: &str, data: &str) -> String {
    format!("<<{entries}/Length {}>>\nstream\n{data}\nendstream", data.len())
}

/// One page of 200 by 100 with this content, as object 3; its resources are object 5, and further objects follow from 6 on.
pub fn page(content: &str, entries: &str, resources: &str, further: &[String]) -> Vec<u8> {
    let mut objects = vec![
        "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
        "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 200 100]/Resources 5 0 R>>".to_owned(),
        format!("<</Type/Page/Parent 2 0 R/Contents 4 0 R{entries}>>"),
        stream("", content),
        format!("<<{resources}>>"),
    ];
    objects.extend_from_slice(further);
    file(&objects)
}
