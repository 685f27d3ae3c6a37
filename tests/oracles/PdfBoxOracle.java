import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.X509Certificate;
import java.util.Calendar;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import org.apache.pdfbox.pdmodel.PDDocument;
import org.apache.pdfbox.pdmodel.interactive.digitalsignature.PDSignature;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.cms.Attribute;
import org.bouncycastle.asn1.cms.AttributeTable;
import org.bouncycastle.asn1.cms.CMSAttributes;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.cert.jcajce.JcaCertStore;
import org.bouncycastle.cms.CMSAttributeTableGenerator;
import org.bouncycastle.cms.CMSProcessableByteArray;
import org.bouncycastle.cms.CMSSignedDataGenerator;
import org.bouncycastle.cms.DefaultSignedAttributeTableGenerator;
import org.bouncycastle.cms.jcajce.JcaSignerInfoGeneratorBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;

/**
 * PDFBox signs a PDF, in an incremental update; Bouncy Castle makes the message.
 *
 * <pre>
 * PdfBoxOracle KEY CERT CHAIN IN OUT pades|adbe
 * </pre>
 */
public class PdfBoxOracle {
    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        PrivateKey key = BouncyCastleOracle.key(arguments[0]);
        X509Certificate certificate = BouncyCastleOracle.certificate(arguments[1]);
        X509Certificate issuer = BouncyCastleOracle.certificate(arguments[2]);
        boolean isPades = arguments[5].equals("pades");
        try (PDDocument document = PDDocument.load(Path.of(arguments[3]).toFile())) {
            var signature = new PDSignature();
            signature.setFilter(PDSignature.FILTER_ADOBE_PPKLITE);
            signature.setSubFilter(isPades
                ? PDSignature.SUBFILTER_ETSI_CADES_DETACHED : PDSignature.SUBFILTER_ADBE_PKCS7_DETACHED);
            signature.setName("PDFBox");
            signature.setReason("Ký thử nghiệm");
            signature.setSignDate(Calendar.getInstance());
            document.addSignature(signature,
                content -> {
                    try {
                        return message(key, certificate, issuer, content.readAllBytes(), isPades);
                    } catch (Exception exception) {
                        throw new java.io.IOException(exception);
                    }
                });
            try (var out = new java.io.FileOutputStream(arguments[4])) {
                document.saveIncremental(out);
            }
        }
    }

    private static byte[] message(
            PrivateKey key, X509Certificate certificate, X509Certificate issuer, byte[] content, boolean isPades)
            throws Exception {
        var builder = new JcaSignerInfoGeneratorBuilder(
            new JcaDigestCalculatorProviderBuilder().setProvider("BC").build());
        var attributes = new Hashtable<ASN1ObjectIdentifier, Attribute>();
        attributes.put(PKCSObjectIdentifiers.id_aa_signingCertificateV2,
            BouncyCastleOracle.signingCertificate(certificate));
        var usual = new DefaultSignedAttributeTableGenerator(new AttributeTable(attributes));
        // The time is in the signature dictionary alone (EN 319 142-1, 6.3).
        CMSAttributeTableGenerator timeless = (Map parameters) -> usual.getAttributes(parameters)
            .remove(CMSAttributes.signingTime);
        builder.setSignedAttributeGenerator(isPades ? timeless : usual);
        var signer = new JcaContentSignerBuilder("SHA256withECDSA").setProvider("BC").build(key);
        var generator = new CMSSignedDataGenerator();
        generator.addSignerInfoGenerator(builder.build(signer, certificate));
        generator.addCertificates(new JcaCertStore(List.of(certificate, issuer)));
        return generator.generate(new CMSProcessableByteArray(content), false).toASN1Structure().getEncoded("DER");
    }
}
