"""An XML document from standard input as a JSON tree: expat, nothing of ours."""

import json
import sys
import xml.etree.ElementTree as ElementTree


def tree(element):
    children = [tree(child) for child in element]
    return {"name": element.tag, "attributes": element.attrib, "text": element.text or "", "children": children}


json.dump(tree(ElementTree.fromstring(sys.stdin.buffer.read())), sys.stdout)
